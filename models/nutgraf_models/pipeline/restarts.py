"""Restarts: a second attempt at a summary whose sentences could not all be shown.

Where a generated sentence leaves the article, for example with a clause attached to the wrong name, the model is made
to go on with the article's next word instead, and writes the rest again. Before that point the summary stays as it is.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from nutgraf_models.checks.words import alignment, tokens_of
from nutgraf_models.engines.base import Candidate
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.extractive import Choice
from nutgraf_models.pipeline.prepared import Prepared

# Words of an article sentence that make the model write about it.
_OPENING_WORDS = 3
# With a shorter common beginning, the sentence is begun again from the article's.
_MIN_COMMON_WORDS = 2
# Punctuation at which a sentence may leave out a part of the article's. Not a semicolon: a comma splice would follow.
_SEAM = frozenset(',()-–—"“”')


def restart_prefix(prepared: Prepared, text: str, choice: Choice, candidates: Sequence[Candidate]) -> str:
    """What a new attempt at the summary should begin with; empty if the choice needs none, or nothing is left to try.

    An attempt is worth its time if a sentence of the article's own had to be inserted. It begins with the model's
    sentences before that one, then with as much of the model's own version of it as agrees with the article, and the
    article's next word. Without such a version it begins with the article sentence's first words.

    `text`: the article as the model reads it. The model cannot go on with a sentence that is not in it.
    """
    inserted = [
        index
        for index, sentence in enumerate(choice.sentences)
        if sentence.from_article
        and sentence.checked.origin is not None
        and prepared.sentences[sentence.checked.origin].text in text
    ]
    if not inserted:
        return ""
    versions = defaultdict(list)
    for candidate in candidates:
        for version in postprocess.whole_sentences(candidate.text):
            versions[prepared.article_check.check(version).origin].append(version)
    index = next((index for index in inserted if choice.sentences[index].checked.origin in versions), inserted[0])
    origin = choice.sentences[index].checked.origin
    assert origin is not None
    source = clean_start(prepared.sentences[origin].text)
    before = " ".join(sentence.text for sentence in choice.sentences[:index] if not sentence.from_article)
    for start in (*(start for version in versions[origin] for start in _starts(version, source)), _opening(source)):
        prefix = f"{before} {start}".strip()
        if start and not any(candidate.text.startswith(prefix) for candidate in candidates):
            return prefix
    return ""


def _starts(sentence: str, source: str) -> Iterator[str]:
    """The beginning of `sentence` up to where it leaves `source`, and the next word of `source`."""
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
    words = tokens_of(source)
    return source[: words[_OPENING_WORDS - 1].end] if len(words) > 2 * _OPENING_WORDS else ""
