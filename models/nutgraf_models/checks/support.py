"""From the features of a sentence to the probability that its article says it.

A logistic regression on sentences that models of this project wrote and a reader judged; models/README.md says how many
and what it is worth.
"""

import math

from nutgraf_models.checks.statements import Features

# A sentence below is doubted.
THRESHOLD = 0.9
_BIAS = -0.02
_WEIGHTS = {
    "all_in_order": 2.33,
    "pairs": 1.59,
    "place": -0.06,
    "from_afar": -2.78,
    "insertions": -0.64,
    "ends_cut": -0.6,
    "other_subject": -1.23,
    "new": -0.63,
    "new_names": -2.09,
    "rough_cuts": -0.24,
    "lost_saying": -1.11,
    "added_saying": -1.48,
    "lost_condition": -1.08,
    "question": -1.16,
    "other_sex": -7.74,
}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence that has these features."""
    score = _BIAS + sum(weight * getattr(features, name) for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-score))
