"""What a summary is like, measured without a model: how it copies, repeats, and ends, and how sure a mean is."""

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
    """How a summary stands to its article (Grusky et al. 2018, "Newsroom", section 4; words without case)."""

    coverage: float
    """Share of the summary's words that lie in a fragment copied from the article, 0 to 1."""
    density: float
    """Mean length in words of the fragment that a word of the summary lies in; one sentence copied has its length."""
    compression: float
    """Words of the article for one of the summary."""
    novel_bigrams: float
    """Share of the summary's different bigrams that the article lacks, 0 to 1."""


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
    """Whether it has a sentence twice, or four words in a row twice."""
    if repeats_a_sentence(summary):
        return True
    sentences = [_words(sentence.text) for sentence in split(summary)]
    grams = [gram for words in sentences for gram in zip(words, words[1:], words[2:], words[3:], strict=False)]
    return len(set(grams)) < len(grams)


def repeats_a_sentence(summary: str) -> bool:
    sentences = [tuple(_words(sentence.text)) for sentence in split(summary)]
    return len(set(sentences)) < len(sentences)


def ends_in_full_stop(summary: str) -> bool:
    """Whether it ends as a sentence does, and not with an ellipsis."""
    return is_complete(summary) and not summary.rstrip("\"'”’)").endswith(("…", "..."))


def has_length(summary: str, length: str) -> bool:
    """Whether a "short" is one sentence of 12 to 30 words, a "long" two to four sentences of 35 to 75."""
    sentences, words = len(split(summary)), word_count(summary)
    if length == "short":
        return sentences == 1 and 12 <= words <= 30
    return 2 <= sentences <= 4 and 35 <= words <= 75


def bootstrap_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the mean (Efron 1979), from 2,000 resamples with a fixed seed; no values, no interval."""
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
    """Lengths of the longest shared fragments, found greedily from the left (Grusky et al. 2018, figure 3)."""
    places: dict[str, list[int]] = {}
    for place, word in enumerate(source):
        places.setdefault(word, []).append(place)
    lengths = []
    start = 0
    while start < len(words):
        longest = 0
        for place in places.get(words[start], ()):
            length = 1
            while (
                start + length < len(words)
                and place + length < len(source)
                and words[start + length] == source[place + length]
            ):
                length += 1
            longest = max(longest, length)
        if longest:
            lengths.append(longest)
        start += max(1, longest)
    return lengths
