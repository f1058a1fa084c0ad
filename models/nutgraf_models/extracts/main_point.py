"""Scores for an article's sentences by how likely they state its main point.

A conditional logit over the sentences of an article, fitted to 2,196 of the default model's training references. The
target is the sentence that shares the longest common subsequence of content words with the SHORT reference. In
five-fold cross-validation, the top sentence is the target in 84.5 % of articles; the first sentence is in 82.7 %.
"""

import re
from collections import Counter
from collections.abc import Sequence

from nutgraf_models.checks.words import tokens_of
from nutgraf_models.text.sentences import word_count

# Later sentences get the score of the last one compared.
_MAX_SENTENCES = 25
_FIRST = (3.2, 0.9, 0.3)
_LATE, _LATEST = -3.1, 15
_CENTRAL = 3.6
_FEW_WORDS = ((14, -2.2), (9, -1.6))
_NAMES, _MAX_NAMES = 1.05, 4
_CUES = (
    (re.compile(r".*\b(?:you|your|we|our|I|my|me|let['’]s)\b"), -1.3),
    (
        re.compile(
            r"(?:If|Perhaps|Maybe|Fortunately|Unfortunately|Sadly|Luckily|Of course|Yes|No|Well|Think|Imagine|Look|Ask|"
            r"Take|Consider|Meet|Say|Forget)\b"
        ),
        -1.2,
    ),
    (re.compile(r".*[?!]"), -0.5),
    (re.compile(r"[\"“'‘]"), -0.75),
    (
        re.compile(
            r".*(?:\b(?:has|have) (?:been )?\w+ed\b|\bhas (?:won|said|been|become|begun|put|set|made|taken)\b|\bwill\b|"
            r"\b(?:announced|died|killed|arrested|charged|jailed|won|beat)\b)"
        ),
        1.0,
    ),
)
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w’'-]+")


def main_point_scores(sentences: Sequence[str]) -> list[float]:
    """The score of each sentence: its log odds of being the main point, up to a constant."""
    content = [{token.form for token in tokens_of(text) if token.is_content} for text in sentences[:_MAX_SENTENCES]]
    frequency = Counter(form for forms in content for form in forms)
    scores = []
    for index, (text, forms) in enumerate(zip(sentences, content, strict=False)):
        words = word_count(text)
        recurring = sum(frequency[form] - 1 for form in forms) / max(1, len(forms)) / len(content)
        scores.append(
            sum(_FIRST[index : index + 1])
            + _LATE * min(index, _LATEST) / _LATEST
            + _CENTRAL * recurring
            + sum(weight for min_words, weight in _FEW_WORDS if words < min_words)
            + _NAMES * min(len(_NAME.findall(text)), _MAX_NAMES) / _MAX_NAMES
            + sum(weight for cue, weight in _CUES if cue.match(text))
        )
    return scores + scores[-1:] * (len(sentences) - len(scores))
