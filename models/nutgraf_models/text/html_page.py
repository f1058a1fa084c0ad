"""An HTML page as its reader sees it: text in paragraphs, without what its markup says is no part of a story."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from nutgraf_models.text.characters import unescape
from nutgraf_models.text.html_tokens import Item, Kind, break_at, is_html, read, readable
from nutgraf_models.text.mapped_text import Draft, MappedText
from nutgraf_models.text.sentences import is_complete, word_count

# HTML that was escaped again and again is unescaped as often as this.
_MOST_LEVELS = 3
_ESCAPED_TAG = re.compile(r"&(?:amp;)*(?:lt|#0*60|#x0*3c);", re.I)
# What is text to the markup and shown to nobody, or struck out.
_NEVER_SHOWN = frozenset(
    "applet audio canvas datalist del embed iframe noembed noframes object s script strike style svg template "
    "video".split()
)
# What stands around a story. Of the rules of trafilatura and jusText, those that take no guess.
_FURNITURE = frozenset(
    "aside button dialog figcaption footer head label legend nav optgroup option rp select textarea "
    "title x-script".split()
)
_ROLES = frozenset(
    "alert alertdialog banner complementary contentinfo dialog menu menubar navigation search status toolbar".split()
)
_CLASSES = frozenset(
    "ad ads advert advertisement author-bio breadcrumb breadcrumbs byline caption comment-list comments cookie-banner "
    "cookie-consent cookie-notice image-caption image-credit newsletter newsletter-signup photo-caption photo-credit "
    "promo related related-articles related-content related-links related-posts related-stories share share-buttons "
    "sharing sidebar skip-link social social-links social-share sponsored tags wp-caption-text".split()
)
_UNDISPLAYED = re.compile(r"(?:display\s{0,8}:\s{0,8}none|visibility\s{0,8}:\s{0,8}hidden)", re.I)
# A list of so many links, and of little else, is no part of a story.
_LIST_LINKS = 3
_LIST_LINK_SHARE = 0.8
_PROSE_WORDS = 6
# Without a full stop, so many words are prose as well: not all scripts have one.
_MANY_WORDS = 25
# White space that ends a line in plain text, and not in HTML.
_LINE_ENDS = str.maketrans(dict.fromkeys("\n\x0b\x0c\x85\u2028\u2029", " "))


def visible_text(sent: MappedText) -> MappedText:
    """The text of a page, paragraphs apart by blank lines; `sent` itself if it is no HTML (see `markup.is_html`).

    HTML that was escaped as a whole ("&lt;p&gt;") is unescaped first: a text that is HTML only then, or HTML without
    paragraphs of its own whose text has some.
    """
    text = sent
    for _ in range(_MOST_LEVELS):
        page = _page(text)
        if page is not None:
            shown = page.text()
            inner = None if page.has_paragraphs else _page(shown)
            return inner.text() if inner is not None and inner.has_paragraphs else shown
        if not _ESCAPED_TAG.search(text.text):
            break
        text = unescape(text, one_level=True)
    return sent


def _page(text: MappedText) -> "_Page | None":
    if "<" not in text.text:
        return None
    text = text.with_characters(readable(text.text))
    items = read(text.text)
    return _Page(text, items) if is_html(items, text.text) else None


class _Count(NamedTuple):
    """Of what there is in a stretch of items: characters, those in links, links, headlines, paragraphs of prose."""

    characters: int = 0
    linked: int = 0
    links: int = 0
    headlines: int = 0
    prose: int = 0


class _Page:
    def __init__(self, source: MappedText, items: Sequence[Item]) -> None:
        self._items = items
        names = {item.name for item in items}
        self.has_paragraphs = not names.isdisjoint(("p", "br"))
        # Where nothing else ends a line, line breaks do: such text is from editors that make paragraphs of blank lines.
        has_lines = self.has_paragraphs or "div" in names
        self._source = source.with_characters(_without_line_ends(source.text, items)) if has_lines else source
        # Of each element that is closed, the places of its start and of its end.
        self._closing, self._quoted = _pairs(items)
        self._counts = list(_running_counts(self._source.text, items))

    def text(self) -> MappedText:
        """What is shown; with its furniture if there is no prose elsewhere."""
        never = {start for start in self._closing if self._items[start].name in _NEVER_SHOWN}
        story = self._shown(never | {start for start in self._closing if self._is_furniture(start)})
        if _has_prose(story.text):
            return story
        whole = self._shown(never)
        return whole if _has_prose(whole.text) or not story.text.strip() else story

    def _is_furniture(self, start: int) -> bool:
        """Whether an element is no part of a story: what holds the headline is."""
        item, end = self._items[start], self._closing[start]
        held = _Count(*(after - before for before, after in zip(self._counts[start], self._counts[end], strict=True)))
        if held.headlines or item.name in ("html", "body", "main"):
            return False
        if item.name in ("ul", "ol"):
            links_only = held.links >= _LIST_LINKS and held.linked >= _LIST_LINK_SHARE * held.characters
            if links_only and not held.prose:
                return True
        elif (item.name == "table" and not held.prose) or (item.name == "sup" and held.links):
            return True
        elif item.name in _FURNITURE:
            # Below a quotation stands whose it is.
            return item.name != "footer" or start not in self._quoted
        given = dict(item.attributes)
        classes = given.get("class", "").lower().split()
        return given.get("role", "").lower() in _ROLES or not _CLASSES.isdisjoint(classes) or _is_hidden(given)

    def _shown(self, hidden: Set[int]) -> MappedText:
        """The text without the elements that start at the places of `hidden`."""
        draft = Draft(self._source)
        last = ""  # the last character that was written
        place = 0
        while place < len(self._items):
            item = self._items[place]
            written = self._text_of(place, last)
            if written:
                draft.put(written, item.start, item.end)
                last = written[-1]
            place = self._closing[place] if place in hidden else place + 1
        return draft.text()

    def _text_of(self, place: int, last: str) -> str:
        """What an item becomes, behind a text whose last character is `last`."""
        item = self._items[place]
        if item.kind is Kind.TEXT:
            return self._source.text[item.start : item.end]
        if item.kind is Kind.REFERENCE:
            return " " if item.text.isspace() else item.text
        if item.kind is Kind.OTHER:
            return ""
        if item.name == "q":
            return '"'
        if item.kind is Kind.START and place:
            before = self._items[place - 1]
            # Links side by side are apart on the page, and "40<sup>1</sup>" is not 401.
            side_by_side = item.name == before.name == "a" and before.kind is Kind.END
            if side_by_side or (item.name in ("sup", "sub") and last.isdigit() and self._next_is_digit(place)):
                return " "
        return break_at(item.name)

    def _next_is_digit(self, place: int) -> bool:
        following = self._items[place + 1 : place + 2]
        return any(self._source.text[item.start : item.start + 1].isdigit() for item in following)


def _is_hidden(given: dict[str, str]) -> bool:
    """Whether an element's attributes say that it is not shown."""
    return (
        "hidden" in given
        or given.get("aria-hidden", "").lower() == "true"
        or _UNDISPLAYED.search(given.get("style", "")) is not None
    )


def _pairs(items: Sequence[Item]) -> tuple[dict[int, int], set[int]]:
    """The place of its end for each place of a start, and the starts that are inside of a quotation.

    Ends belong to the last open start of their name; a start without an end holds nothing.
    """
    closing: dict[int, int] = {}
    quoted: set[int] = set()
    opened: dict[str, list[int]] = defaultdict(list)
    for place, item in enumerate(items):
        if item.kind is Kind.START and not item.is_void:
            opened[item.name].append(place)
            if opened["blockquote"]:
                quoted.add(place)
        elif item.kind is Kind.END and opened[item.name]:
            closing[opened[item.name].pop()] = place
    return closing, quoted


def _running_counts(text: str, items: Sequence[Item]) -> Iterator[_Count]:
    """What there is before each item."""
    characters = linked = links = headlines = prose = 0
    open_links = 0
    paragraph: list[str] = []
    for item in items:
        yield _Count(characters, linked, links, headlines, prose)
        if item.kind in (Kind.TEXT, Kind.REFERENCE):
            shown = item.text or text[item.start : item.end]
            paragraph.append(shown)
            characters += len(shown.strip())
            linked += len(shown.strip()) if open_links else 0
        elif item.name == "a":
            open_links = max(0, open_links + (1 if item.kind is Kind.START else -1))
            links += item.kind is Kind.START
        elif break_at(item.name) == "\n\n":
            headlines += item.kind is Kind.START and item.name in ("h1", "main")
            # Counted before the end of an element, which so holds its last paragraph.
            if paragraph:
                prose += _is_prose("".join(paragraph))
                paragraph.clear()


def _without_line_ends(text: str, items: Sequence[Item]) -> str:
    """The text, at the same length, where white space in HTML means white space; in "pre" it stays as it is."""
    parts = []
    depth = 0
    for item in items:
        if item.name == "pre":
            depth = max(0, depth + (1 if item.kind is Kind.START else -1))
        stretch = text[item.start : item.end]
        parts.append(stretch if depth else stretch.translate(_LINE_ENDS))
    return "".join(parts)


def _has_prose(text: str) -> bool:
    return any(map(_is_prose, text.split("\n")))


def _is_prose(paragraph: str) -> bool:
    words = word_count(paragraph)
    return words >= _MANY_WORDS or (words >= _PROSE_WORDS and is_complete(paragraph.strip()))
