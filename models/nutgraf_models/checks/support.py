"""From the features of a sentence to the probability that its article says it.

A logistic regression on sentences that models of this project wrote and a reader judged; models/README.md says how many
and what it is worth.
"""

import math

from nutgraf_models.checks.statements import Features

# A sentence below is doubted.
THRESHOLD = 0.9
_BIAS = -4.48
_WEIGHTS = {
    "pairs": 3.51,
    "all_in_order": 2.75,
    "names_here": 1.0,
    "same_subject": 1.01,
    "other_subject": -2.19,
    "new": -0.93,
    "new_names": -0.67,
    "rough_cuts": -0.7,
    "lost_saying": -2.49,
    "added_saying": -2.59,
    "lost_condition": -2.5,
    "question": -4.69,
    "other_sex": -4.12,
}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence that has these features."""
    score = _BIAS + sum(weight * getattr(features, name) for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-score))
