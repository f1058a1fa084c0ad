"""From the features of a sentence to the probability that its article says it.

A logistic regression on sentences that models of this project wrote and a reader judged; models/README.md says how many
and what it is worth.
"""

import math

from nutgraf_models.checks.statements import Features

# A sentence below is doubted.
THRESHOLD = 0.9
# Fitted, but for the two of a saying and a condition that were lost: these are set so that a sentence which is otherwise
# copied falls below the threshold, as one in five of such sentences was judged false.
_BIAS = -0.04
_WEIGHTS = {
    "all_in_order": 2.89,
    "pairs": 1.06,
    "place": -0.07,
    "from_afar": -2.93,
    "insertions": -0.65,
    "ends_cut": -0.58,
    "other_subject": -1.22,
    "new": -0.65,
    "new_names": -2.03,
    "rough_cuts": -0.21,
    "lost_saying": -1.8,
    "added_saying": -1.04,
    "lost_condition": -1.8,
    "question": -1.29,
    "other_sex": -7.7,
}


def probability(features: Features) -> float:
    """The probability, 0 to 1, that the article says the sentence that has these features."""
    score = _BIAS + sum(weight * getattr(features, name) for name, weight in _WEIGHTS.items())
    return 1 / (1 + math.exp(-score))
