"""Restarts: a second attempt at a summary whose sentences could not all be shown.

Where a generated sentence leaves the article, for example with a clause attached to the wrong name, the model is made
to continue with the article's next word instead, and finishes that sentence. The summary up to that point stays.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nutgraf_models.checks.words import alignment, tokens_of
from nutgraf_models.engines.base import Candidate
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.extractive import Choice
from nutgraf_models.pipeline.prepared import Prepared

# The first words of an article sentence, enough to make the model write about it.
_OPENING_WORDS = 3
# If the model's sentence shares fewer words with the beginning of the article's, the opening is used instead.
_MIN_COMMON_WORDS = 2
# Punctuation at which a sentence may omit a part of the article's. Not a semicolon, which would cause a comma splice.
_SEAM = frozenset(',()-–—"“”')


class Restart(NamedTuple):
    """What a new attempt begins with, and how many sentences it shall have: one more than are complete in `prefix`."""

    prefix: str
    sentences: int


def restarts(prepared: Prepared, text: str, choice: Choice, candidates: Sequence[Candidate]) -> list[Restart]:
    """A new attempt at each article sentence that was inserted; none at those for which everything has been tried.

    Those of which the model has written a version come first, the others only once there are no such.

    An attempt begins with the model's sentences before the inserted one. Then follow the beginning of the model's
    version of that sentence, as far as it agrees with the article, and the article's next word. If there is no such
    version, the first words of the article sentence follow.

    `text`: the article as the model reads it. The model cannot continue a sentence that is not in it.
    """
    versions = defaultdict(list)
    if any(sentence.from_article for sentence in choice.sentences):
        for candidate in candidates:
            for version in postprocess.whole_sentences(candidate.text):
                versions[prepared.article_check.check(version).origin].append(version)
    before: list[str] = []
    of_versions: list[Restart] = []
    others: list[Restart] = []
    for sentence in choice.sentences:
        origin = sentence.checked.origin
        if not sentence.from_article:
            before.append(sentence.text)
        elif origin is not None and prepared.sentences[origin].text in text:
            source = clean_start(prepared.sentences[origin].text)
            starts = [start for version in versions.get(origin, ()) for start in _starts(version, source)]
            prefixes = (" ".join([*before, start]) for start in (*starts, _opening(source)) if start)
            prefix = next((one for one in prefixes if not _is_tried(one, candidates)), "")
            if prefix:
                (of_versions if origin in versions else others).append(Restart(prefix, len(before) + 1))
    return of_versions or others


def _is_tried(prefix: str, candidates: Sequence[Candidate]) -> bool:
    return any(candidate.text.startswith(prefix) for candidate in candidates)


def _starts(sentence: str, source: str) -> Iterator[str]:
    """The beginning of `sentence` as far as it agrees with `source`, and the next word of `source`."""
    words, others = tokens_of(sentence), tokens_of(source)
    matched = dict(alignment([word.form for word in words], [word.form for word in others]))
    # First with omissions at punctuation, which a summary may make; then without.
    for may_omit in (True, False):
        agreed, following = 0, 0
        while agreed < len(words) and (index := matched.get(agreed)) is not None:
            gap = source[others[index - 1].end : others[index].start] if index else ""
            if index != following and not (may_omit and _SEAM.intersection(gap)):
                break
            agreed, following = agreed + 1, index + 1
        if agreed >= _MIN_COMMON_WORDS and following < len(others):
            yield sentence[: words[agreed - 1].end] + source[others[following - 1].end : others[following].end]


def _opening(source: str) -> str:
    """The first words of `source`; empty if it is short."""
    words = tokens_of(source)
    return source[: words[_OPENING_WORDS - 1].end] if len(words) > 2 * _OPENING_WORDS else ""
