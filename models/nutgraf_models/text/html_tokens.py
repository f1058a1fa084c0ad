"""What of a text is HTML: its tags, character references and text, each with its place.

The tokenizer is turbohtml's, which follows the HTML Standard (WHATWG, 13.2.5) in linear time. Of the parsers that were
looked at (lxml, selectolax, html5lib, justhtml, the standard library's) it alone gives the exact place of every token,
character references included, and never raises. A stream of tokens is enough: paragraphs are what block tags keep
apart, in the order of the source, and a tree would move some of them.
"""

import enum
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import turbohtml
from turbohtml import TokenType

# Elements of HTML, of now and of before.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark nobr output q rb rp rt rtc ruby s samp "
    "slot small span strike strong sub sup time tt u var wbr".split()
)
# These show nothing where they are.
_SILENT = frozenset("base basefont bgsound link meta noframes param script style template".split())
_OBJECTS = frozenset(
    "applet area audio button canvas embed iframe img input map math meter object picture progress select source svg "
    "track video".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body br caption center col colgroup datalist dd details "
    "dialog dir div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup "
    "hr html keygen label legend li main marquee menu nav noembed ol optgroup option p "
    "plaintext pre search section summary table tbody td textarea tfoot th thead "
    "title tr ul x-script xmp".split()
)
_ELEMENTS = _INLINE | _SILENT | _OBJECTS | _BLOCKS
_NAME = re.compile(r"[a-z][\w.:-]*\w")
_OPEN_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)(?:\s[^<>]*=[^<>]*)?(?:>|\Z)", re.I)
# Blocks that are no words of a language: nobody writes them for something else, as one does "<address>".
_UNMISTAKABLE = frozenset("blockquote br div h1 h2 h3 h4 h5 h6 hr html img li ol p tbody td tr ul".split())
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# What is between their tags has none of its own.
_RAW = frozenset("iframe noembed noframes plaintext script style textarea title xmp".split())
_FLAGS = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download draggable "
    "hidden inert ismap itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open playsinline "
    "readonly required reversed seamless selected".split()
)
# What unclosed tags and comments may be many of; each costs a reading of what follows.
_MOST_UNCLOSED = 8
# Characters that are dropped later on stand in for what is no text: the marks that feeds put around HTML, and a tag
# without a name, which the tokenizer passes over inside a token.
_NOTHING = "\u2060"
_FEED_MARKS = re.compile(r"<!\[CDATA\[|\]\]>|</>")
# Read as by a browser without scripts, where what "noscript" holds is HTML and not text: under another name.
_NOSCRIPT = re.compile(r"(?<=<)noscript\b|(?<=</)noscript\b", re.I)
_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")


class Kind(enum.Enum):
    TEXT = "text"
    REFERENCE = "reference"  # a character reference; `text` is what it stands for
    START = "start"
    END = "end"
    OTHER = "other"  # comments and declarations


class Item(NamedTuple):
    """What stands at `[start, end)` of a text. `name` is a tag's, `text` that of a reference."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    is_void: bool = False


def readable(text: str) -> str:
    """The text, at the same length, without carriage returns and what the tokenizer has no token for."""
    text = _NOSCRIPT.sub("x-script", _CARRIAGE_RETURN.sub("\n", text).replace("\r", " "))
    return _FEED_MARKS.sub(lambda match: _NOTHING * len(match.group()), text)


def read(text: str) -> list[Item]:
    """The items of `text`, which must be `readable`; together they are all of it.

    A comment, a script or a tag that never ends is where the standard gives up the rest of a page. Here it hides
    nothing: reading goes on behind its mark.
    """
    items: list[Item] = []
    position = 0
    for _ in range(_MOST_UNCLOSED):
        resume = _read_from(text, position, items)
        if resume is None:
            return _with_tags_only(items)
        position = resume
    if position < len(text):
        items.append(Item(Kind.TEXT, position, len(text)))
    return _with_tags_only(items)


def is_html(items: Sequence[Item], text: str) -> bool:
    """Whether a text is HTML (or XML), and not plain text with a "<" in it.

    It is if it has a doctype; or an element of HTML that is opened and closed; or a "<br>"; or two tags of blocks that
    are no words, such as "<p>" or "<li>", or one where it begins; or if it begins with a tag of any name and ends
    with the end of such. A tag in the sense of this rule has attributes, if any, that are written as such. So "a < b
    and c > d", "<name withheld>" and "<a lot of people>" are text, and a single "<i>" or "<address>" makes no HTML.
    """
    opened: set[str] = set()
    blocks = 0
    for item in items:
        if item.kind is Kind.OTHER and text[item.start : item.start + 9].lower() == "<!doctype":
            return True
        if item.kind not in (Kind.START, Kind.END) or item.name not in _ELEMENTS:
            continue
        if item.name == "br" or (item.kind is Kind.END and item.name in opened):
            return True
        if item.kind is Kind.START:
            opened.add(item.name)
        if item.name in _UNMISTAKABLE:
            blocks += 1
            if blocks == 2 or _is_blank(text[: item.start]):
                return True
    shown = [item for item in items if item.kind is not Kind.OTHER and not _is_blank(text[item.start : item.end])]
    return bool(shown) and [(one.kind, one.name) for one in (shown[0], shown[-1])] == [
        (Kind.START, shown[-1].name),
        (Kind.END, shown[-1].name),
    ]


def _is_blank(text: str) -> bool:
    return not text.strip(f" \t\n\ufeff{_NOTHING}")


def break_at(name: str) -> str:
    """What a tag does to the words around it: nothing, keeps them apart, ends a line, or ends a paragraph.

    Elements that HTML does not have end a paragraph, but for those with a prefix, which word processors put around
    single words ("st1:place").
    """
    if name == "br":
        return "\n"
    if name in _INLINE or name in _SILENT or ":" in name:
        return ""
    return " " if name in _OBJECTS else "\n\n"


def _read_from(text: str, position: int, items: list[Item]) -> int | None:
    """Appends the items from `position` on; where to go on if there is something that never ends, else None."""
    rest = text[position:]
    lines = list(accumulate((len(line) + 1 for line in rest.split("\n")), initial=position))
    raw: int | None = None  # the place in `items` of a raw element's start, until it ends
    end = position
    for token in turbohtml.tokenize(rest, resolve_references=False, capture_source=True):
        start = lines[token.line - 1] + token.col
        if token.type is TokenType.TEXT:
            end = start + len(token.data or "")
            items.append(Item(Kind.TEXT, start, end))
            continue
        source = token.source or ""
        end = start + len(source)
        if token.type is TokenType.CHARACTER_REFERENCE:
            items.append(Item(Kind.REFERENCE, start, end, text=token.data or ""))
        elif token.type is TokenType.START_TAG:
            name = token.tag or ""
            raw = len(items) if name in _RAW else None
            is_void = token.self_closing or name in _VOID
            items.append(Item(Kind.START, start, end, name, attributes=tuple(token.attrs or ()), is_void=is_void))
        elif token.type is TokenType.END_TAG:
            raw = None
            items.append(Item(Kind.END, start, end, token.tag or ""))
        elif not source.endswith(">") or (source.startswith("<!--") and not source.endswith(("->", "--!>"))):
            items.append(Item(Kind.OTHER, start, mark := min(end, start + 4)))
            return mark
        else:
            items.append(Item(Kind.OTHER, start, end))
    if raw is not None:
        del items[raw + 1 :]
        return items[raw].end
    if end == len(text):
        return None
    # A tag that never ends: its quotation mark was forgotten, or the text was cut off inside of it.
    tag = _OPEN_TAG.match(text, end)
    if tag is None or tag[2].lower() not in _ELEMENTS:
        items.append(Item(Kind.TEXT, end, end + 1))
        return end + 1
    items.append(Item(Kind.END if tag[1] else Kind.START, *tag.span(), tag[2].lower()))
    return tag.end()


def _with_tags_only(items: Sequence[Item]) -> list[Item]:
    """The items, where what only looks like a tag is text: "<name withheld>", "<a lot of people>", "<http://...>"."""
    closed = {item.name for item in items if item.kind is Kind.END}

    def is_text(tag: Item) -> bool:
        is_named = tag.name in _ELEMENTS or tag.name in closed or (tag.is_void and _NAME.fullmatch(tag.name))
        in_words = any(name.isalpha() and name not in _FLAGS for name, _ in tag.attributes)
        return not is_named or (in_words and not any(value for _, value in tag.attributes))

    return [
        Item(Kind.TEXT, item.start, item.end) if item.kind is Kind.START and is_text(item) else item for item in items
    ]
