"""Model-free measures of a summary: copying, repetition, ending and length; and confidence intervals of means."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

import numpy as np

from nutgraf_models.text.sentences import is_complete, split, word_count

_WORD = re.compile(r"\w+(?:['’]\w+)*")
_RESAMPLES = 2000
_SEED = 7


@dataclass(frozen=True)
class Copying:
    """Overlap of a summary with its article (Grusky et al. 2018, "Newsroom", section 4), ignoring case."""

    coverage: float
    """Share of the summary's words within fragments copied from the article, 0 to 1."""
    density: float
    """Mean length in words of the fragment around each word; for a copied sentence, its length."""
    compression: float
    """Words of the article per word of the summary."""
    novel_bigrams: float
    """Share of the summary's distinct bigrams that the article lacks, 0 to 1."""


def copying(summary: str, article: str) -> Copying:
    words, source = _words(summary), _words(article)
    if not words:
        return Copying(0.0, 0.0, 0.0, 0.0)
    fragments = _fragments(words, source)
    bigrams = set(pairwise(words))
    known = set(pairwise(source))
    return Copying(
        coverage=sum(fragments) / len(words),
        density=sum(length**2 for length in fragments) / len(words),
        compression=len(source) / len(words),
        novel_bigrams=len(bigrams - known) / len(bigrams) if bigrams else 0.0,
    )


def repeats_itself(summary: str) -> bool:
    """Whether a sentence, or four words in a row, occur twice."""
    if repeats_a_sentence(summary):
        return True
    sentences = [_words(sentence.text) for sentence in split(summary)]
    grams = [gram for words in sentences for gram in zip(words, words[1:], words[2:], words[3:], strict=False)]
    return len(set(grams)) < len(grams)


def repeats_a_sentence(summary: str) -> bool:
    sentences = [tuple(_words(sentence.text)) for sentence in split(summary)]
    return len(set(sentences)) < len(sentences)


def ends_in_full_stop(summary: str) -> bool:
    """Whether it ends with a stop other than an ellipsis."""
    return is_complete(summary) and not summary.rstrip("\"'”’)").endswith(("…", "..."))


def has_length(summary: str, length: str) -> bool:
    """Whether a "short" has one sentence and 12 to 30 words, or a "long" two to four sentences and 35 to 75 words."""
    sentences, words = len(split(summary)), word_count(summary)
    if length == "short":
        return sentences == 1 and 12 <= words <= 30
    return 2 <= sentences <= 4 and 35 <= words <= 75


def bootstrap_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean (Efron 1979), 2,000 resamples, fixed seed; NaN without values."""
    if not values:
        return (float("nan"), float("nan"))
    generator = np.random.default_rng(_SEED)
    sample = np.asarray(values)
    means = sample[generator.integers(len(sample), size=(_RESAMPLES, len(sample)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return (float(low), float(high))


def mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _fragments(words: list[str], source: list[str]) -> list[int]:
    """Lengths of the shared fragments, matched greedily from the left (Grusky et al. 2018, figure 3)."""
    positions: dict[str, list[int]] = {}
    for position, word in enumerate(source):
        positions.setdefault(word, []).append(position)
    lengths = []
    start = 0
    while start < len(words):
        longest = 0
        for position in positions.get(words[start], ()):
            length = 1
            while (
                start + length < len(words)
                and position + length < len(source)
                and words[start + length] == source[position + length]
            ):
                length += 1
            longest = max(longest, length)
        if longest:
            lengths.append(longest)
        start += max(1, longest)
    return lengths
