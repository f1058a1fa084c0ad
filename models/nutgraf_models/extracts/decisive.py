"""Sentences that decide a story though they stand late in it: an arrest, a death toll, a verdict, a retraction.

A model that reads a long article in chunks tells how each chunk begins. These sentences are put in its view all the
same, behind the article's first ones.
"""

import re
from collections.abc import Sequence

from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.extracts.shorten import clean_start

# The article's beginning, in sentences; what it says already needs no help.
_BEGINNING = 3
# With more of them the article is about such events, and its beginning says what matters.
_MOST = 4
_EVENTS = {
    "arrest": r"(?:was|were|been|is|are) (?:\w+ )?(?:arrested|detained|taken into custody|remanded)|"
    r"police (?:have )?arrested",
    "charge": r"(?:was|were|been|is|are) (?:\w+ )?(?:charged with|indicted)",
    "verdict": r"(?:found|pleaded|pleads) (?:not )?guilty|"
    r"(?:was|were|been) (?:\w+ )?(?:convicted|acquitted|cleared of)|overturned the (?:conviction|verdict)",
    "sentence": r"(?:was|were|been) (?:\w+ )?(?:jailed|sentenced|imprisoned|executed)",
    "death": r"(?:was|were|been) (?:\w+ )?(?:killed|shot dead|stabbed to death|murdered|found dead)|death toll|"
    r"(?:has|have|had) died|died (?:on|in|of|from|at|after)|people (?:have )?died|bodies of",
    "resignation": r"(?:has|have|had) (?:resigned|stepped down|quit)|resigned (?:on|as|after|from)|"
    r"(?:was|were|been) (?:sacked|dismissed|fired|suspended)",
    "retraction": r"(?:has|have|had) (?:retracted|withdrawn|recanted)|(?:was|were|been) (?:retracted|withdrawn)|"
    r"retracted (?:the|its|his|her|their)|turned out to be (?:false|fake|wrong)|"
    r"admitted (?:that )?(?:it|he|she|they) had",
    "collapse": r"(?:has|have|had) collapsed|went bankrupt|filed for bankruptcy|(?:into|in) administration|"
    r"(?:was|were|been) (?:evacuated|declared insolvent)|exploded|declared a state of emergency",
}
_UNCERTAIN = re.compile(r"\b(?:if|unless|could|might|would|years? ago|in (?:1[0-9]|20[01])\d\d)\b|\?", re.I)
_PATTERNS = {name: re.compile(rf"\b(?:{pattern})\b", re.I) for name, pattern in _EVENTS.items()}


def decisive_sentences(sentences: Sequence[str]) -> list[int]:
    """The places of the sentences that tell of an event of a kind that the beginning tells nothing of, in order.

    None if there are many of its kind, if it points back, or if somebody only might have done so.
    """
    found: dict[str, list[int]] = {name: [] for name in _PATTERNS}
    for place, sentence in enumerate(sentences):
        for name, pattern in _PATTERNS.items():
            if pattern.search(sentence):
                found[name].append(place)
    places = {
        place
        for of_kind in found.values()
        if of_kind and of_kind[0] >= _BEGINNING and len(of_kind) <= _MOST
        for place in of_kind[:1]
    }
    return [place for place in sorted(places) if _is_told_plainly(sentences[place])]


def _is_told_plainly(sentence: str) -> bool:
    text = clean_start(sentence)
    return not (_UNCERTAIN.search(text) or is_fragment(text) or points_back(text))
