"""From the features of a sentence to the probability that its article says it.

A logistic regression on sentences that models of this project wrote and a reader judged; models/README.md says how many
and what it is worth.
"""

import math

from nutgraf_models.checks.statements import Features

# A sentence below is doubted.
THRESHOLD = 0.9
# All are fitted but two: those of a saying and a condition that were lost are set so that a sentence which is a copy
# otherwise falls below the threshold. One in five of such sentences was judged false.
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
    "question": -1.24,
    "other_sex": -7.12,
}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence that has these features."""
    score = _BIAS + sum(weight * getattr(features, name) for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-score))
