"""Visible text of an HTML page, in paragraphs, without elements that are marked up as not part of a story."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from typing import NamedTuple

from nutgraf_models.text.characters import unescape
from nutgraf_models.text.html_tokens import Item, Kind, break_at, is_html, read, readable
from nutgraf_models.text.mapped_text import Draft, MappedText
from nutgraf_models.text.sentences import is_complete, word_count

# Maximum levels of escaping that are undone.
_MAX_LEVELS = 3
_ESCAPED_TAG = re.compile(r"&(?:amp;)*(?:lt|#0*60|#x0*3c);", re.I)
# Elements whose content is not displayed, or is struck out.
_HIDDEN = frozenset(
    "applet audio canvas datalist del embed iframe noembed noframes object s script strike style svg template "
    "video".split()
)
# Elements around a story: the rules of trafilatura and jusText that need no heuristics.
_BOILERPLATE = frozenset(
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
# A list of at least this many links and little other text is not part of a story.
_LIST_LINKS = 3
_LIST_LINK_SHARE = 0.8
_PROSE_WORDS = 6
# A paragraph of this many words is prose even without a full stop, which some scripts lack.
_MANY_WORDS = 25
# White space that ends a line in plain text but not in HTML.
_LINE_ENDS = str.maketrans(dict.fromkeys("\n\x0b\x0c\x85\u2028\u2029", " "))


def visible_text(sent: MappedText) -> MappedText:
    """The text of a page, with blank lines between paragraphs; `sent` itself if it is not HTML (`is_html`).

    Escaped HTML ("&lt;p&gt;") is unescaped first: if the text is HTML only then, or if the page has no paragraphs and
    its text does.
    """
    text = sent
    for _ in range(_MAX_LEVELS):
        page = _page(text)
        if page is not None:
            visible = page.text()
            inner = None if page.has_paragraphs else _page(visible)
            return inner.text() if inner is not None and inner.has_paragraphs else visible
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
    """Counts over a range of items; `linked` counts the characters in links, `prose` the paragraphs of prose."""

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
        # Without block tags, line breaks count: some editors mark paragraphs with blank lines only.
        has_lines = self.has_paragraphs or "div" in names
        self._source = source.with_characters(_without_line_ends(source.text, items)) if has_lines else source
        # The index of the end tag by the index of the start tag.
        self._closing, self._quoted = _pairs(items)
        self._counts = list(_running_counts(self._source.text, items))

    def text(self) -> MappedText:
        """The story; all visible text if only that contains prose."""
        hidden = {start for start in self._closing if self._items[start].name in _HIDDEN}
        story = self._shown(hidden | {start for start in self._closing if self._is_boilerplate(start)})
        if _has_prose(story.text):
            return story
        whole = self._shown(hidden)
        return whole if _has_prose(whole.text) or not story.text.strip() else story

    def _is_boilerplate(self, start: int) -> bool:
        """Whether an element is not part of a story; one that contains the headline is."""
        item, end = self._items[start], self._closing[start]
        content = _Count(
            *(after - before for before, after in zip(self._counts[start], self._counts[end], strict=True))
        )
        if content.headlines or item.name in ("html", "body", "main"):
            return False
        if item.name in ("ul", "ol"):
            links_only = content.links >= _LIST_LINKS and content.linked >= _LIST_LINK_SHARE * content.characters
            if links_only and not content.prose:
                return True
        elif (item.name == "table" and not content.prose) or (item.name == "sup" and content.links):
            return True
        elif item.name in _BOILERPLATE:
            # The footer of a quotation is its attribution.
            return item.name != "footer" or start not in self._quoted
        attributes = dict(item.attributes)
        classes = attributes.get("class", "").lower().split()
        role = attributes.get("role", "").lower()
        return role in _ROLES or not _CLASSES.isdisjoint(classes) or _is_hidden(attributes)

    def _shown(self, hidden: Set[int]) -> MappedText:
        """The text without the elements whose start tags have an index in `hidden`."""
        draft = Draft(self._source)
        last = ""  # the last character that was written
        index = 0
        while index < len(self._items):
            item = self._items[index]
            written = self._text_of(index, last)
            if written:
                draft.put(written, item.start, item.end)
                last = written[-1]
            index = self._closing[index] if index in hidden else index + 1
        return draft.text()

    def _text_of(self, index: int, last: str) -> str:
        """The text for an item; `last` is the last character before it."""
        item = self._items[index]
        if item.kind is Kind.TEXT:
            return self._source.text[item.start : item.end]
        if item.kind is Kind.REFERENCE:
            return " " if item.text.isspace() else item.text
        if item.kind is Kind.OTHER:
            return ""
        if item.name == "q":
            return '"'
        if item.kind is Kind.START and index:
            before = self._items[index - 1]
            # Adjacent links are displayed apart, and "40<sup>1</sup>" is not 401.
            side_by_side = item.name == before.name == "a" and before.kind is Kind.END
            if side_by_side or (item.name in ("sup", "sub") and last.isdigit() and self._next_is_digit(index)):
                return " "
        return break_at(item.name)

    def _next_is_digit(self, index: int) -> bool:
        following = self._items[index + 1 : index + 2]
        return any(self._source.text[item.start : item.start + 1].isdigit() for item in following)


def _is_hidden(attributes: dict[str, str]) -> bool:
    """Whether an element's attributes hide it."""
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden", "").lower() == "true"
        or _UNDISPLAYED.search(attributes.get("style", "")) is not None
    )


def _pairs(items: Sequence[Item]) -> tuple[dict[int, int], set[int]]:
    """The index of the end tag by the index of its start tag, and the start tags inside a "blockquote".

    An end tag closes the last open start tag of its name; a start tag without one is omitted.
    """
    closing: dict[int, int] = {}
    quoted: set[int] = set()
    opened: dict[str, list[int]] = defaultdict(list)
    for index, item in enumerate(items):
        if item.kind is Kind.START and not item.is_void:
            opened[item.name].append(index)
            if opened["blockquote"]:
                quoted.add(index)
        elif item.kind is Kind.END and opened[item.name]:
            closing[opened[item.name].pop()] = index
    return closing, quoted


def _running_counts(text: str, items: Sequence[Item]) -> Iterator[_Count]:
    """The counts before each item."""
    characters = linked = links = headlines = prose = 0
    open_links = 0
    paragraph: list[str] = []
    for item in items:
        yield _Count(characters, linked, links, headlines, prose)
        if item.kind in (Kind.TEXT, Kind.REFERENCE):
            visible = item.text or text[item.start : item.end]
            paragraph.append(visible)
            characters += len(visible.strip())
            linked += len(visible.strip()) if open_links else 0
        elif item.name == "a":
            open_links = max(0, open_links + (1 if item.kind is Kind.START else -1))
            links += item.kind is Kind.START
        elif break_at(item.name) == "\n\n":
            headlines += item.kind is Kind.START and item.name in ("h1", "main")
            # Counted at the end tag, so that an element includes its last paragraph.
            if paragraph:
                prose += _is_prose("".join(paragraph))
                paragraph.clear()


def _without_line_ends(text: str, items: Sequence[Item]) -> str:
    """The text, of equal length, with line breaks outside of "pre" replaced by spaces."""
    parts = []
    depth = 0
    for item in items:
        if item.name == "pre":
            depth = max(0, depth + (1 if item.kind is Kind.START else -1))
        part = text[item.start : item.end]
        parts.append(part if depth else part.translate(_LINE_ENDS))
    return "".join(parts)


def _has_prose(text: str) -> bool:
    return any(map(_is_prose, text.split("\n")))


def _is_prose(paragraph: str) -> bool:
    words = word_count(paragraph)
    return words >= _MANY_WORDS or (words >= _PROSE_WORDS and is_complete(paragraph.strip()))
