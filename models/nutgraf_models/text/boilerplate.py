"""What of a text is the story, and texts that are no prose at all.

A line is judged as a whole, never a sentence inside a paragraph: what is dropped must be sure to be no part of a story.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from nutgraf_models.text.boilerplate_lines import HEADER, LINK_WORDS, LIST_HEADING, PLAYER_PHRASE, is_boilerplate
from nutgraf_models.text.notices import is_note
from nutgraf_models.text.sentences import Sentence, is_complete, word_count

_MOST_NOTE_WORDS = 150
# Rows of a table, one below the other.
_LEAST_ROWS = 3
_MOST_ROW_CHARACTERS = 200
_LINE = re.compile(r"[^\n]+")
_CODE = re.compile(r"[{}=<>|\\\[\]_]|;$|\w\(|://")
_NUMBER = re.compile(r"(?<!\S)\d\S*")
_CELL = re.compile(r"[+–-]?\d[\d.,:%+–/-]*(?:st|nd|rd|th|pts?)?|[–-]")
_RANK = re.compile(r"\d{1,3}[.)]? \S.*\d\S*(?: \S{1,6})?")


def story_lines(text: str) -> list[tuple[int, int]]:
    """Where the lines of the story are, without headers and what players have put inside of them.

    Notes on a story and tables are the story where no sentence is beside them, and so is everything where all of it is
    boilerplate.
    """
    lines = [span for line in _LINE.finditer(text) for span in _parts(line)]
    bodies = [text[start:end] for start, end in lines]
    furniture = _boilerplate(bodies)
    beside = {place for place, body in enumerate(bodies) if place not in furniture and _is_note(body)} | _tables(bodies)
    for dropped in (furniture | beside, furniture):
        kept = [place for place in range(len(lines)) if place not in dropped]
        if any(_is_sentence(bodies[place]) for place in kept):
            return [lines[place] for place in kept]
    return [lines[place] for place in kept] or [line.span() for line in _LINE.finditer(text)]


def has_prose(sentences: Iterable[Sentence]) -> bool:
    """Whether there is a sentence in words: no table, code, list of links, or what pages put around a story."""
    return any(sentence.is_complete and _is_prose(sentence.text) for sentence in sentences)


def _parts(line: re.Match[str]) -> Iterator[tuple[int, int]]:
    """The stretches of a line that people wrote."""
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
    places = set()
    in_list = False
    for place, body in enumerate(bodies):
        if in_list and not is_complete(body) and word_count(body) <= LINK_WORDS:
            places.add(place)
            continue
        in_list = LIST_HEADING.fullmatch(body) is not None
        if in_list or is_boilerplate(body):
            places.add(place)
    return places


def _is_note(body: str) -> bool:
    return len(body) <= 8 * _MOST_NOTE_WORDS and word_count(body) <= _MOST_NOTE_WORDS and is_note(body)


def _tables(bodies: Sequence[str]) -> set[int]:
    """The places of the rows of tables, and of the heads above them."""
    places: set[int] = set()
    rows: list[int] = []
    for place, body in enumerate([*bodies, ""]):
        if _is_row(body):
            rows.append(place)
            continue
        if len(rows) >= _LEAST_ROWS:
            places.update(rows)
            above = rows[0] - 1
            if above >= 0 and _is_head(bodies[above]):
                places.add(above)
        rows = []
    return places


def _is_row(body: str) -> bool:
    if len(body) > _MOST_ROW_CHARACTERS or is_complete(body):
        return False
    words = body.split()
    cells = sum(_CELL.fullmatch(word) is not None for word in words)
    # Ranks with what they are of, "1. Ida Fenn (Nor) 42:10.5", and no sentences in a numbered list.
    is_ranked = cells > 1 and _RANK.fullmatch(body) is not None and sum(word.islower() for word in words) < 3
    return body.count("|") > 1 or (cells > 2 and cells >= 0.4 * len(words)) or is_ranked


def _is_head(body: str) -> bool:
    words = body.split()
    return len(words) > 2 and not any(word[0].islower() for word in words) and sum(len(word) < 5 for word in words) > 1


def _is_sentence(body: str) -> bool:
    return is_complete(body) and word_count(body) > 2


def _is_prose(sentence: str) -> bool:
    if word_count(_NUMBER.sub("", sentence)) < 3 or len(_CODE.findall(sentence)) > 1 or is_boilerplate(sentence):
        return False
    visible: Sequence[str] = [character for character in sentence if not character.isspace()]
    return sum(character.isalpha() for character in visible) > 0.6 * len(visible)
