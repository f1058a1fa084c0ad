"""Evidence: the article passages that support a summary sentence, by shared words, names and numbers."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from nutgraf_models.checks.forms import fold, name_forms, singular, stem
from nutgraf_models.checks.quantities import quantities
from nutgraf_models.results import Evidence, Span
from nutgraf_models.text.mapped_text import MappedText
from nutgraf_models.text.sentences import Sentence

MAX_PASSAGES = 3
_MIN_GAIN = 0.05
_NAME_OR_NUMBER_WEIGHT = 3.0
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d\w*")
_STOP_WORDS = frozenset(
    "a about after all also an and any are as at be been before being between both but by can could did do does for "
    "from had has have he her his how i if in into is it its may more most no not of on one or other our out over "
    "said say says she should so some such than that the their them then there these they this those to under up was "
    "we were what when where which while who will with would you your".split()
)


class _Unit(NamedTuple):
    """A content word, name or number: its equivalent forms and its weight."""

    forms: frozenset[str]
    weight: float


class EvidenceIndex:
    """An index of an article's sentences by content, for aligning summary sentences."""

    def __init__(self, article: MappedText, sentences: list[Sentence]) -> None:
        self._article = article
        self._sentences = sentences
        self._found_in: dict[str, set[int]] = defaultdict(set)
        self._weights: list[float] = []
        for index, sentence in enumerate(sentences):
            units = set(_content(sentence.text))
            self._weights.append(sum(unit.weight for unit in units))
            for unit in units:
                for form in unit.forms:
                    self._found_in[form].add(index)

    def align(self, summary_sentence: str) -> tuple[Evidence, ...]:
        """The passages that support the sentence, best first; at most `MAX_PASSAGES`, none for one without content.

        A passage's score is the weighted share of the sentence's content that it contains. Names and numbers have three
        times the weight of other words. Passages are chosen greedily by the content that earlier ones lack.
        """
        units = list(dict.fromkeys(_content(summary_sentence)))
        total = sum(unit.weight for unit in units)
        if not total:
            return ()
        found_in = [self._where(unit) for unit in units]
        missing = set(range(len(units)))
        passages: list[Evidence] = []
        chosen: set[int] = set()
        while missing and len(passages) < MAX_PASSAGES:
            gains: dict[int, float] = defaultdict(float)
            for unit_index in missing:
                for index in found_in[unit_index]:
                    gains[index] += units[unit_index].weight
            # Ties: the passage with the least other content, then the earlier one: news leads with the main facts.
            best = max(gains, key=lambda index: (gains[index], -self._weights[index], -index), default=None)
            if best is None or gains[best] / total < _MIN_GAIN or best in chosen:
                break
            chosen.add(best)
            contained = {unit_index for unit_index, indexes in enumerate(found_in) if best in indexes}
            sentence = self._sentences[best]
            span = Span(*self._article.source_span(sentence.start, sentence.end))
            passages.append(Evidence(span, sum(units[unit_index].weight for unit_index in contained) / total))
            missing -= contained
        # Stable sort: ties stay in the order of choice.
        passages.sort(key=lambda passage: passage.score, reverse=True)
        return tuple(passages)

    def _where(self, unit: _Unit) -> set[int]:
        found = [self._found_in[form] for form in unit.forms if form in self._found_in]
        return set().union(*found)


def shared_weight(sentence: str, others: Iterable[str]) -> float:
    """The total weight, as in `align`, of the sentence's content that `others` share."""
    elsewhere = {form for other in others for unit in _content(other) for form in unit.forms}
    return sum(unit.weight for unit in set(_content(sentence)) if not unit.forms.isdisjoint(elsewhere))


def _content(sentence: str) -> list[_Unit]:
    """The content units of a sentence, in order; a number and its unit are one."""
    units = []
    position = 0
    for number in quantities(sentence):
        if not number.is_implied and number.bound != "≫":
            units += _words(sentence, position, number.start)
            # "A third ship" is no evidence for "three ships".
            kind = "ordinal" if number.unit in ("ordinal", "nth") else ""
            units.append(_Unit(frozenset(f"#{kind}{value:g}" for value in number.values), _NAME_OR_NUMBER_WEIGHT))
            position = number.end
    return units + _words(sentence, position, len(sentence))


def _words(sentence: str, start: int, end: int) -> list[_Unit]:
    units = (_word(match.group(), match.start() > 0) for match in _WORD.finditer(sentence, start, end))
    return [unit for unit in units if unit is not None]


@lru_cache(maxsize=1 << 15)
def _word(word: str, is_inner: bool) -> _Unit | None:
    form = fold(word).removesuffix("'s")
    if form in _STOP_WORDS:
        return None
    if word[0].isupper():
        forms = name_forms(word) | {singular(form), stem(form)}
        return _Unit(forms, _NAME_OR_NUMBER_WEIGHT if is_inner else 1.0)
    return _Unit(frozenset({stem(form)}), _NAME_OR_NUMBER_WEIGHT if word[0].isdecimal() else 1.0)
