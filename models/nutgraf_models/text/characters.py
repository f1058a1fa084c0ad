"""Character-level cleaning: HTML references, invisible characters and broken encodings."""

import html
import re
from difflib import SequenceMatcher
from functools import lru_cache

import ftfy

from nutgraf_models.text.mapped_text import Draft, MappedText

# In plain text, a reference needs its semicolon: "R&D" is none.
_REFERENCE = re.compile(r"&(?:amp;)*((?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_ONE_LEVEL = re.compile(r"&((?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
# General category Cf of Unicode 16.
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f"
)
_EMOJI = "\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"
# Scripts that are spelled with joiners: Arabic to Sinhala.
_JOINING = "\u0620-\u06d3\u0700-\u0dff"
_INVISIBLE = re.compile(
    rf"(?P<kept>(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])|(?<=\U0001f3f4)[\U000e0020-\U000e007e]+\U000e007f"
    rf"|(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}]))|\x1b\[[0-9;?]{{0,16}}[A-Za-z]|[{_FORMAT}]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Longer words are mapped as a whole if they need repair.
_MAX_WORD_CHARACTERS = 64


def unescape(text: MappedText, *, one_level: bool = False) -> MappedText:
    """Replaces character references ("&nbsp;", "&#160;"), even doubly escaped ones unless `one_level`."""
    if "&" not in text.text:
        return text
    draft = Draft(text)
    position = 0
    for match in (_ONE_LEVEL if one_level else _REFERENCE).finditer(text.text):
        reference = f"&{match[1]}"
        character = html.unescape(reference)
        if character == reference:
            character = html.unescape(match.group())
        if character != match.group():
            draft.keep(position, match.start())
            # A forbidden reference becomes a space, so that the words around it stay separate.
            draft.put(character or " ", *match.span())
            position = match.end()
    draft.keep(position, len(text.text))
    return draft.text()


def without_invisible(text: MappedText) -> MappedText:
    """Removes format characters (category Cf) and terminal colour codes.

    Joiners stay inside emoji and in Arabic and Indic spelling.
    """
    draft = Draft(text)
    position = 0
    for match in _INVISIBLE.finditer(text.text):
        if match["kept"] is None:
            draft.keep(position, match.start())
            position = match.end()
    draft.keep(position, len(text.text))
    return draft.text() if position else text


@lru_cache(maxsize=4096)
def repaired(word: str) -> tuple[tuple[str, int, int], ...]:
    """The word as repaired by ftfy, in parts, each with its offset and size in the original word."""
    if word.isascii() and word.isprintable():
        return ((word, 0, len(word)),)
    clean = "".join(_CONTROL.sub("", ftfy.fix_text(word, unescape_html=False)).split())
    if not clean:
        return ()
    if clean == word or len(word) > _MAX_WORD_CHARACTERS:
        return ((clean, 0, len(word)),)
    parts: list[tuple[str, int, int]] = []
    for kind, start, end, clean_start, clean_end in SequenceMatcher(None, word, clean, autojunk=False).get_opcodes():
        part = clean[clean_start:clean_end]
        if kind == "delete" and _CONTROL.sub("", word[start:end]) == "":
            continue
        if parts and (kind in ("insert", "delete") or not parts[-1][0] or not parts[-1][2]):
            # Insertions and deletions are mapped together with the neighbouring character.
            before, offset, size = parts.pop()
            if len(before) == size > 1:
                parts.append((before[:-1], offset, size - 1))
                before, offset = before[-1], offset + size - 1
            part, start = before + part, offset
        parts.append((part, start, end - start))
    return tuple(parts)
