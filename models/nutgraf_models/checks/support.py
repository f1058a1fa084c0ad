"""From the features of a sentence to the probability that its article says it.

Two logistic regressions: one on sentences that models of this project wrote and a reader judged, one on what people
said of other systems' summaries, whose errors are of another kind. models/README.md says how many and what they are
worth.
"""

import math

from nutgraf_models.checks.statements import Features
from nutgraf_models.checks.wording import Wording

# A sentence below is doubted.
THRESHOLD = 0.9
# The same for sentences by others, of whom less can be told.
OTHERS_THRESHOLD = 0.85
# All are fitted but three, which are set so that a copy but for this falls below the threshold: a saying or a condition
# that was lost, and joined names.
_BIAS = -0.25
_WEIGHTS = {
    "all_in_order": 2.6,
    "pairs": 1.43,
    "from_afar": -3.32,
    "insertions": -0.65,
    "ends_cut": -0.63,
    "other_subject": -1.25,
    "new": -0.68,
    "new_names": -2.01,
    "rough_cuts": -0.24,
    "lost_saying": -1.8,
    "added_saying": -1.13,
    "lost_condition": -1.8,
    "joined_names": -1.8,
    "question": -1.24,
    "other_sex": -7.12,
}


# For sentences by others. All are fitted but the last two, which are too rare there and are those of above.
_OTHERS_BIAS = -0.34
_IN_ORDER, _PAIRS_SQUARED, _HAS_TERMS, _UNLIKE = 1.58, 1.07, -1.27, -0.24
_OTHERS_WEIGHTS = {name: _WEIGHTS[name] for name in ("question", "other_sex")}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence of ours that has these features."""
    return _logistic(_BIAS + _weighted(features, _WEIGHTS))


def probability_by_others(features: Features, wording: Wording, *, has_terms: bool) -> float:
    """The same for a sentence that was written elsewhere; `has_terms` says that it has some that the article lacks."""
    return _logistic(
        _OTHERS_BIAS
        + _IN_ORDER * wording.in_order
        # What is all but a copy stands out; between a few pairs and none there is little to choose.
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
