"""Separation of the story from the boilerplate around it, and detection of texts without prose.

Only whole lines are dropped, never a sentence inside a paragraph, and only lines that cannot be part of a story.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from nutgraf_models.text.boilerplate_lines import HEADER, LINK_WORDS, LIST_HEADING, PLAYER_PHRASE, is_boilerplate
from nutgraf_models.text.notices import is_note
from nutgraf_models.text.sentences import Sentence, is_complete, word_count

_MAX_NOTE_WORDS = 150
# Minimum number of consecutive table rows.
_MIN_ROWS = 3
_MAX_ROW_CHARACTERS = 200
_LINE = re.compile(r"[^\n]+")
_CODE = re.compile(r"[{}=<>|\\\[\]_]|;$|\w\(|://")
_NUMBER = re.compile(r"(?<!\S)\d\S*")
_CELL = re.compile(r"[+–-]?\d[\d.,:%+–/-]*(?:st|nd|rd|th|pts?)?|[–-]")
_RANK = re.compile(r"\d{1,3}[.)]? \S.*\d\S*(?: \S{1,6})?")


def story_lines(text: str) -> list[tuple[int, int]]:
    """Spans of the story's lines, without headers and video players' phrases.

    Editorial notes and tables are kept if there is no other sentence, and all lines are kept if all are boilerplate.
    """
    lines = [span for line in _LINE.finditer(text) for span in _written_parts(line)]
    bodies = [text[start:end] for start, end in lines]
    boilerplate = _boilerplate(bodies)
    notes = {index for index, body in enumerate(bodies) if index not in boilerplate and _is_note(body)}
    for dropped in (boilerplate | notes | _tables(bodies), boilerplate):
        kept = [index for index in range(len(lines)) if index not in dropped]
        if any(_is_sentence(bodies[index]) for index in kept):
            return [lines[index] for index in kept]
    return [lines[index] for index in kept] or [line.span() for line in _LINE.finditer(text)]


def has_prose(sentences: Iterable[Sentence]) -> bool:
    """Whether any sentence is prose, rather than part of a table, code, a list of links or boilerplate."""
    return any(sentence.is_complete and _is_prose(sentence.text) for sentence in sentences)


def _written_parts(line: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Spans of a line without its header and video players' phrases."""
    text, (start, end) = line.string, line.span()
    header = HEADER.match(text, start, end)
    position = header.end() if header else start
    for phrase in [*PLAYER_PHRASE.finditer(text, position, end), None]:
        first, last = position, end if phrase is None else phrase.start()
        body = text[first:last]
        if body.strip():
            yield first + len(body) - len(body.lstrip()), last - len(body) + len(body.rstrip())
        if phrase is not None:
            position = phrase.end()


def _boilerplate(bodies: Sequence[str]) -> set[int]:
    """Indexes of boilerplate lines."""
    indexes = set()
    in_list = False
    for index, body in enumerate(bodies):
        if in_list and not is_complete(body) and word_count(body) <= LINK_WORDS:
            indexes.add(index)
            continue
        in_list = LIST_HEADING.fullmatch(body) is not None
        if in_list or is_boilerplate(body):
            indexes.add(index)
    return indexes


def _is_note(body: str) -> bool:
    return len(body) <= 8 * _MAX_NOTE_WORDS and word_count(body) <= _MAX_NOTE_WORDS and is_note(body)


def _tables(bodies: Sequence[str]) -> set[int]:
    """Indexes of table rows and of the headers above them."""
    indexes: set[int] = set()
    rows: list[int] = []
    for index, body in enumerate([*bodies, ""]):
        if _is_row(body):
            rows.append(index)
            continue
        if len(rows) >= _MIN_ROWS:
            indexes.update(rows)
            above = rows[0] - 1
            if above >= 0 and _is_header(bodies[above]):
                indexes.add(above)
        rows = []
    return indexes


def _is_row(body: str) -> bool:
    if len(body) > _MAX_ROW_CHARACTERS or is_complete(body):
        return False
    words = body.split()
    cells = sum(_CELL.fullmatch(word) is not None for word in words)
    # A ranking such as "1. Ida Fenn (Nor) 42:10.5", but not a sentence in a numbered list.
    is_ranked = cells > 1 and _RANK.fullmatch(body) is not None and sum(word.islower() for word in words) < 3
    return body.count("|") > 1 or (cells > 2 and cells >= 0.4 * len(words)) or is_ranked


def _is_header(body: str) -> bool:
    words = body.split()
    return len(words) > 2 and not any(word[0].islower() for word in words) and sum(len(word) < 5 for word in words) > 1


def _is_sentence(body: str) -> bool:
    return is_complete(body) and word_count(body) > 2


def _is_prose(sentence: str) -> bool:
    if word_count(_NUMBER.sub("", sentence)) < 3 or len(_CODE.findall(sentence)) > 1 or is_boilerplate(sentence):
        return False
    visible: Sequence[str] = [character for character in sentence if not character.isspace()]
    return sum(character.isalpha() for character in visible) > 0.6 * len(visible)
