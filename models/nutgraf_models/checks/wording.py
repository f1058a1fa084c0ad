"""The overlap of a paraphrased sentence with its article's wording.

Other systems rephrase, so the cuts that `statements` measures tell little. These features remain: whether the words
keep the article's order, and how unlike the article's words the new ones are.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nutgraf_models.checks.words import common_subsequence, tokens_of

# Words with the same first letters count as equal: "accuse", "accusations".
_PREFIX_LETTERS = 5
# Words of a sentence that are measured.
_MAX_WORDS = 120


class Wording(NamedTuple):
    """Features of a sentence, from its content words."""

    in_order: float  # share of them in a common subsequence with the whole article
    unlike: float  # sum over the new words of the share of their letter trigrams that no word of the article has


class WordingIndex:
    """The words of an article, in order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._prefixes: set[str] = set()
        self._trigrams: set[str] = set()
        self._positions: dict[str, list[int]] = defaultdict(list)
        position = 0
        for sentence in sentences:
            for token in tokens_of(sentence):
                prefix = token.form[:_PREFIX_LETTERS]
                self._prefixes.add(prefix)
                self._trigrams.update(_trigrams(token.form))
                if token.is_content:
                    self._positions[prefix].append(position)
                    position += 1

    def measure(self, sentence: str) -> Wording:
        content = [token.form for token in tokens_of(sentence)[:_MAX_WORDS] if token.is_content]
        prefixes = [form[:_PREFIX_LETTERS] for form in content]
        found = sorted((position, prefix) for prefix in set(prefixes) for position in self._positions.get(prefix, ()))
        in_order = common_subsequence(prefixes, [prefix for _, prefix in found])
        new = [form for form in content if form[:_PREFIX_LETTERS] not in self._prefixes]
        return Wording(in_order / max(1, len(content)), sum(map(self._unlike, new)))

    def _unlike(self, form: str) -> float:
        trigrams = list(_trigrams(form))
        return sum(trigram not in self._trigrams for trigram in trigrams) / len(trigrams)


def _trigrams(form: str) -> Iterator[str]:
    """The letter trigrams of a word with start and end markers."""
    marked = f"^{form}$"
    return (marked[start : start + 3] for start in range(len(marked) - 2))
