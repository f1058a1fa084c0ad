"""Detection of late but decisive sentences: an arrest, a death toll, a verdict, a retraction.

A model that reads a long article in chunks tends to summarise the start of each chunk. These sentences are added to its
input after the lead.
"""

import re
from collections.abc import Sequence

from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.extracts.shorten import clean_start

# Sentences of the article's beginning; events mentioned there need no extra weight.
_BEGINNING = 3
# With more sentences of a kind, the article is about such events, and its beginning covers them.
_MAX_OF_KIND = 4
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
    """Indexes, in order, of sentences that report a kind of event that the beginning does not mention.

    Skips kinds with many sentences, and sentences that refer back or are hypothetical.
    """
    found: dict[str, list[int]] = {name: [] for name in _PATTERNS}
    for index, sentence in enumerate(sentences):
        for name, pattern in _PATTERNS.items():
            if pattern.search(sentence):
                found[name].append(index)
    firsts = {
        indexes[0]
        for indexes in found.values()
        if indexes and indexes[0] >= _BEGINNING and len(indexes) <= _MAX_OF_KIND
    }
    return [index for index in sorted(firsts) if _is_plain_statement(sentences[index])]


def _is_plain_statement(sentence: str) -> bool:
    text = clean_start(sentence)
    return not (_UNCERTAIN.search(text) or is_fragment(text) or points_back(text))
