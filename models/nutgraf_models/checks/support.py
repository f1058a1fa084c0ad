"""The probability that an article says a sentence, from the sentence's features.

Two logistic regressions: one fitted on judged sentences from this project's models, one on people's judgements of other
systems' summaries, which have other kinds of errors. models/README.md has the counts and the accuracy.
"""

import math

from nutgraf_models.checks.statements import Features
from nutgraf_models.checks.wording import Wording

# Support below which a sentence is doubted.
THRESHOLD = 0.9
# The same for sentences by others, which are harder to judge.
OTHERS_THRESHOLD = 0.85
# Fitted, except four that are set by hand so that one such error in an exact copy brings it below the threshold:
# lost_attribution, lost_qualifier, broken_off and joined_names.
_BIAS = -0.25
_WEIGHTS = {
    "all_in_order": 2.6,
    "pairs": 1.43,
    "distant_words": -3.32,
    "insertions": -0.65,
    "ends_cut": -0.63,
    "changed_subject": -1.25,
    "new_words": -0.68,
    "new_names": -2.01,
    "rough_cuts": -0.24,
    "lost_attribution": -1.8,
    "added_attribution": -1.13,
    "lost_qualifier": -1.8,
    "broken_off": -1.8,
    "joined_names": -1.8,
    "question": -1.24,
    "changed_gender": -7.12,
}

# For sentences by others. Fitted, except the last two: they are too rare there, so their weights are those above.
_OTHERS_BIAS = -0.34
_IN_ORDER, _PAIRS_SQUARED, _HAS_TERMS, _UNLIKE = 1.58, 1.07, -1.27, -0.24
_OTHERS_WEIGHTS = {name: _WEIGHTS[name] for name in ("question", "changed_gender")}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says a sentence of this project's models."""
    return _logistic(_BIAS + _weighted(features, _WEIGHTS))


def probability_by_others(features: Features, wording: Wording, *, has_terms: bool) -> float:
    """The same for a sentence by others. `has_terms`: it has terms that the article lacks."""
    return _logistic(
        _OTHERS_BIAS
        + _IN_ORDER * wording.in_order
        # Squared: near-copies stand out, while few shared pairs mean little more than none.
        + _PAIRS_SQUARED * features.pairs * features.pairs
        + _HAS_TERMS * has_terms
        + _UNLIKE * wording.unlike
        + _weighted(features, _OTHERS_WEIGHTS)
    )


def _weighted(features: Features, weights: dict[str, float]) -> float:
    total: float = sum(weight * getattr(features, name) for name, weight in weights.items())
    return total


def _logistic(score: float) -> float:
    return 1 / (1 + math.exp(-score))
