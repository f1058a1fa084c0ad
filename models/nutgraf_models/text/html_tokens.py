"""HTML tokens of a text: tags, character references and text, with their positions.

The tokenizer is turbohtml's, which follows the HTML Standard (WHATWG, 13.2.5) in linear time. Unlike lxml, selectolax,
html5lib, justhtml and the standard library's parser, it gives the exact position of every token, including character
references, and never raises. No tree is built: block tags separate paragraphs in source order, which a tree may change.
"""

import enum
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import turbohtml
from turbohtml import TokenType

# Current and obsolete HTML elements.
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark nobr output q rb rp rt rtc ruby s samp "
    "slot small span strike strong sub sup time tt u var wbr".split()
)
# Elements that display nothing.
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
# Blocks whose names are not English words, so that "<p>" is always a tag, while "<address>" may be a placeholder.
_UNMISTAKABLE = frozenset("blockquote br div h1 h2 h3 h4 h5 h6 hr html img li ol p tbody td tr ul".split())
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
# Elements whose content has no tags.
_RAW = frozenset("iframe noembed noframes plaintext script style textarea title xmp".split())
_FLAGS = frozenset(
    "allowfullscreen async autofocus autoplay checked compact controls default defer disabled download draggable "
    "hidden inert ismap itemscope loop multiple muted nohref nomodule noshade novalidate nowrap open playsinline "
    "readonly required reversed seamless selected".split()
)
# Each unclosed tag or comment costs another pass over the rest of the text.
_MAX_UNCLOSED = 8
# CDATA marks of feeds, and nameless tags that the tokenizer skips within a token, are replaced by this character, which
# is removed later.
_PLACEHOLDER = "\u2060"
_FEED_MARKS = re.compile(r"<!\[CDATA\[|\]\]>|</>")
# "noscript" is renamed so that its content is read as HTML, as in a browser without scripts.
_NOSCRIPT = re.compile(r"(?<=<)noscript\b|(?<=</)noscript\b", re.I)
_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")


class Kind(enum.Enum):
    TEXT = "text"
    REFERENCE = "reference"  # a character reference; `text` is its character
    START = "start"
    END = "end"
    OTHER = "other"  # comments and declarations


class Item(NamedTuple):
    """A token at `[start, end)`. Tags have a `name` and `attributes`, references a `text`."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    text: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    is_void: bool = False


def readable(text: str) -> str:
    """The text, of equal length, without carriage returns and anything the tokenizer skips silently."""
    text = _NOSCRIPT.sub("x-script", _CARRIAGE_RETURN.sub("\n", text).replace("\r", " "))
    return _FEED_MARKS.sub(lambda match: _PLACEHOLDER * len(match.group()), text)


def read(text: str) -> list[Item]:
    """The items of a `readable` text; together they cover it.

    In the standard, an unclosed comment, script or tag hides the rest of a page. Here, reading continues after its
    opening mark.
    """
    items: list[Item] = []
    position = 0
    for _ in range(_MAX_UNCLOSED):
        resume = _read_from(text, position, items)
        if resume is None:
            return _with_tags_only(items)
        position = resume
    if position < len(text):
        items.append(Item(Kind.TEXT, position, len(text)))
    return _with_tags_only(items)


def is_html(items: Sequence[Item], text: str) -> bool:
    """Whether a text is HTML or XML, rather than plain text with a "<" in it.

    It is if it contains a doctype, a "<br>", an HTML element with both tags, or two tags of unmistakable blocks such as
    "<p>" or "<li>" (one is enough at the start); or if it starts with any tag and ends with the matching end tag. Tags
    must have well-formed attributes. So "a < b and c > d", "<name withheld>" and "<a lot of people>" are plain text,
    and so is a text with a single "<i>" or "<address>".
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
    return bool(shown) and [(item.kind, item.name) for item in (shown[0], shown[-1])] == [
        (Kind.START, shown[-1].name),
        (Kind.END, shown[-1].name),
    ]


def _is_blank(text: str) -> bool:
    return not text.strip(f" \t\n\ufeff{_PLACEHOLDER}")


def break_at(name: str) -> str:
    """The separator that a tag puts between words: "", a space, a line break, or a paragraph break.

    Unknown elements end a paragraph, except those with a namespace prefix, which word processors put around single
    words ("st1:place").
    """
    if name == "br":
        return "\n"
    if name in _INLINE or name in _SILENT or ":" in name:
        return ""
    return " " if name in _OBJECTS else "\n\n"


def _read_from(text: str, position: int, items: list[Item]) -> int | None:
    """Appends the items from `position` on. Returns the position to resume at after an unclosed item, or None."""
    rest = text[position:]
    lines = list(accumulate((len(line) + 1 for line in rest.split("\n")), initial=position))
    raw: int | None = None  # index in `items` of an open raw element's start tag
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
    # An unclosed tag: a quotation mark is missing, or the text ends within the tag.
    tag = _OPEN_TAG.match(text, end)
    if tag is None or tag[2].lower() not in _ELEMENTS:
        items.append(Item(Kind.TEXT, end, end + 1))
        return end + 1
    items.append(Item(Kind.END if tag[1] else Kind.START, *tag.span(), tag[2].lower()))
    return tag.end()


def _with_tags_only(items: Sequence[Item]) -> list[Item]:
    """Turns false tags back into text: "<name withheld>", "<a lot of people>", "<http://...>"."""
    closed = {item.name for item in items if item.kind is Kind.END}

    def is_text(tag: Item) -> bool:
        is_named = tag.name in _ELEMENTS or tag.name in closed or (tag.is_void and _NAME.fullmatch(tag.name))
        in_words = any(name.isalpha() and name not in _FLAGS for name, _ in tag.attributes)
        return not is_named or (in_words and not any(value for _, value in tag.attributes))

    return [
        Item(Kind.TEXT, item.start, item.end) if item.kind is Kind.START and is_text(item) else item for item in items
    ]
