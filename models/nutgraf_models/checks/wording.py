"""How much of a sentence is its article's wording, whoever wrote it and however freely.

Other systems put an article in words of their own, so the places where a sentence was cut out of it say little. What
is left: whether its words come in the article's order, and how unlike the article's those are that it does not have.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nutgraf_models.checks.words import common_subsequence, tokens_of

# Words are taken for one if they begin alike: "accuse", "accusations". Words of a sentence that are looked at.
_ALIKE = 5
_MOST_WORDS = 120


class Wording(NamedTuple):
    """What is measured of a sentence, of its content words."""

    in_order: float  # share of them that are a subsequence of the article's, all its sentences in a row
    unlike: float  # those that the article has not, each by the share of its triples of letters that no word there has


class WordingIndex:
    """The words of an article's sentences, in their order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._begins: set[str] = set()
        self._triples: set[str] = set()
        self._places: dict[str, list[int]] = defaultdict(list)
        place = 0
        for sentence in sentences:
            for token in tokens_of(sentence):
                begin = token.form[:_ALIKE]
                self._begins.add(begin)
                self._triples.update(_triples(token.form))
                if token.is_content:
                    self._places[begin].append(place)
                    place += 1

    def measure(self, sentence: str) -> Wording:
        content = [token.form for token in tokens_of(sentence)[:_MOST_WORDS] if token.is_content]
        begins = [form[:_ALIKE] for form in content]
        found = sorted((place, begin) for begin in set(begins) for place in self._places.get(begin, ()))
        in_order = common_subsequence(begins, [begin for _, begin in found])
        new = [form for form in content if form[:_ALIKE] not in self._begins]
        return Wording(in_order / max(1, len(content)), sum(map(self._unlike, new)))

    def _unlike(self, form: str) -> float:
        triples = list(_triples(form))
        return sum(triple not in self._triples for triple in triples) / len(triples)


def _triples(form: str) -> Iterator[str]:
    """The triples of letters of a word, its beginning and its end counting as one each."""
    whole = f"^{form}$"
    return (whole[start : start + 3] for start in range(len(whole) - 2))
