"""From the features of a sentence to the probability that its article says it.

A logistic regression on sentences that models of this project wrote and a reader judged; models/README.md says how many
and what it is worth.
"""

import math

from nutgraf_models.checks.statements import Features

# A sentence below is doubted.
THRESHOLD = 0.8
_BIAS = -4.0
_WEIGHTS = {
    "all_in_order": 4.05,
    "pairs": 2.3,
    "same_subject": 0.87,
    "new": -0.41,
    "new_names": -2.23,
    "rough_cuts": -0.42,
    "lost_saying": -2.66,
    "added_saying": -2.16,
    "lost_condition": -1.81,
    "question": -4.49,
    "other_sex": -3.18,
}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence that has these features."""
    score = _BIAS + sum(weight * getattr(features, name) for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-score))
