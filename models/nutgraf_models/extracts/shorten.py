"""Rule-based shortening of an article's sentence.

Each rule removes a dispensable part: an aside, a final clause, a dateline. No rule removes words that would change the
claim: a negation, "alleged", "could", or an attribution.
"""

import re
from collections.abc import Iterator, Sequence

from nutgraf_models.checks.standalone import CAPTION_LABEL, MAX_CHARACTERS, is_fragment
from nutgraf_models.text.sentences import is_complete, word_count

_MIN_WORDS = 8
_AGENCY = r"(?:CNN|AP|AFP|PA|PTI|IANS|ANI|UPI|Reuters|Xinhua|Bloomberg|BBC|CNN Student News|Press Association)"
_CITY = r"[A-Z][\w.'’-]*(?:[ /-][A-Z][\w.'’-]*){0,3}"
_CAPITALS = r"[A-Z][A-Z.'-]+(?: [A-Z][A-Z.'-]+){0,3}"
_DAY = r"(?:[A-Z][a-z]{2,8}\.? \d{1,2}|\d{1,2} [A-Z][a-z]{2,8})"
_DATELINE = re.compile(
    rf"(?:{_CITY}(?:, {_CITY}){{0,2}},? ?)?\((?:{_AGENCY})\)[ \t]*(?:[-–—]{{1,2}}[ \t]*)?"
    rf"|{_CITY}(?:, {_CITY}){{0,2}}(?:, {_DAY})?(?:, {_AGENCY})? ?[–—-]{{1,2}} (?=[A-Z\"“'‘])"
    rf"|{_CAPITALS}(?:, [A-Z][\w.]+(?: [A-Z][\w.]+)?)?(?:, {_DAY})?:? ?[–—-]{{1,2}} "
)
_HEADER = re.compile(
    r"(?:By\b\.? ?[^.\n]{2,60}\.? (?=PUBLISHED)|By\. [^.]{2,60}\. (?:and\. [^.]{2,60}\. )?"
    r"|\.? ?(?:PUBLISHED|UPDATED|Last updated(?: at)?|CREATED):?[. ]+\d.{5,50}?\b(?:19|20)\d\d\b[. ]*\|?[. ]*"
    r"|(?:Image|Media|Video) (?:copyright|caption|source)\b[^.]{0,40} (?=[A-Z])|Scroll down for (?:video|more)\.? )",
)
_STARTS = re.compile(
    r"(?:And|But|Yet) |(?:And|But|So|Also|However|Meanwhile|Instead|Now|Still|Yet|In addition|In fact|Moreover), "
)
# Words that must stay, because they reverse or qualify the claim.
_KEEPS = re.compile(
    r"\b(?:not|no|never|nobody|nothing|none|neither|nor|without|unless|if|whether|alleged(?:ly)?|accus\w+|suspect\w*|"
    r"claim\w*|reported(?:ly)?|apparent(?:ly)?|believed|thought|could|may|might|would|should|likely|possibl[ey]|"
    r"perhaps|expected|plan\w*|hop\w+|only|except|den(?:y|ies|ied)|despite|although|though|but|until|former(?:ly)?|"
    r"false(?:ly)?|mistaken(?:ly)?|said|says|say|told|according|warned|added|tried|trying|attempt\w*|fail\w*)\b|n['’]t\b",
    re.I,
)
_BRACKETS = re.compile(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]")
_DASHES = re.compile(r"\s+[–—-]{1,2}\s+[^–—]{2,120}?\s+[–—-]{1,2}(?=\s)")
_RELATIVE = re.compile(r", (?:which|who|whose|where|whom)\b[^,“”\"]{3,160},(?= (?!and\b|or\b|who\b|which\b))")
_ASIDE = re.compile(
    r", (?:with|after|following|including|amid|as well as|along with|while|before|because)\b[^,“”\"]{3,120},"
    r"(?= [^,]*\b(?:said|says|according to|told|claims?|reports?)\b)"
)
_CLAUSE = re.compile(r" (?:with|after|as|when|while|before|and|but|following|including|amid)\b")
_TAIL = re.compile(
    r"(?:,| [–—-]) (?:which|who|whose|where|after|as|while|when|with|before|following|including|amid|since|because|"
    r"making|adding|leaving|forcing|sparking|prompting|bringing|taking|causing|[a-z]{3,}ing|"
    r"and (?:is|was|has|had|will|are|were|have)|just|even|days|weeks|months|hours|years)\b[^“”\"]*$"
)
# Words that cannot end a sentence.
_OPEN_END = re.compile(
    r"\b(?:a|an|the|of|in|on|at|to|by|for|with|from|as|and|or|but|than|that|which|who|is|are|was|were|be|has|have|had|"
    r"compared|between|into|about|over|under|after|before|while|when|during|his|her|their|its|[a-z]+ing)\W*$",
    re.I,
)
_BARE_TAIL = re.compile(
    r" (?:after|while|when|before|following|because|amid|as part of|ahead of|in an? (?:bid|effort|attempt|move) to)\b"
    r" [^“”\"]*$"
)


def clean_start(sentence: str) -> str:
    """Removes a dateline, byline, time of publication, caption's label or "But" from the start of a sentence."""
    return _without((_HEADER, _DATELINE, CAPTION_LABEL, _STARTS), sentence)


def without_dateline(sentence: str) -> str:
    """Removes a dateline, byline or time of publication from the start of a sentence."""
    return _without((_HEADER, _DATELINE), sentence)


def _without(starts: Sequence[re.Pattern[str]], sentence: str) -> str:
    for _ in range(3):
        before = sentence
        for pattern in starts:
            match = pattern.match(sentence)
            if match and word_count(sentence[match.end() :]) >= _MIN_WORDS - 3:
                sentence = _capitalized(sentence[match.end() :].lstrip(" .,-–—|"))
        if sentence == before:
            break
    return _capitalized(sentence)


def shorten(sentence: str, max_words: int) -> str:
    """Shortens the sentence until it has at most `max_words` words or no rule applies."""
    text = clean_start(sentence)
    while len(text) <= MAX_CHARACTERS and word_count(text) > max_words:
        shorter = next(_shorter(text), None)
        if shorter is None:
            break
        text = shorter
    return text


def _shorter(text: str) -> Iterator[str]:
    """Variants of the sentence with one part removed, the most dispensable part first."""
    for pattern in (_BRACKETS, _DASHES, _RELATIVE, _ASIDE):
        for match in pattern.finditer(text):
            if not _KEEPS.search(match.group()) and not _in_quotation(text, match.start()):
                # The comma stays before another clause or an attribution.
                comma = "," if pattern is _ASIDE or _CLAUSE.match(text, match.end()) else ""
                yield from _if_complete(text[: match.start()] + comma + text[match.end() :])
    for pattern in (_TAIL, _BARE_TAIL):
        # Shortest tails first: remove as little as possible.
        for tail in reversed(list(_suffixes(pattern, text))):
            if not _KEEPS.search(tail) and not _in_quotation(text, len(text) - len(tail)):
                yield from _if_complete(text[: len(text) - len(tail)].rstrip(" ,;:–—-") + ".")


def _suffixes(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    position = 0
    while match := pattern.search(text, position):
        yield match.group()
        position = match.start() + 1


def _if_complete(text: str) -> Iterator[str]:
    """The text, if it is still a complete sentence."""
    if word_count(text) >= _MIN_WORDS and is_complete(text) and not _OPEN_END.search(text) and not is_fragment(text):
        yield text


def _capitalized(sentence: str) -> str:
    """The sentence with an initial capital, except for names such as "iPhone"."""
    return sentence if sentence[1:2].isupper() else sentence[:1].upper() + sentence[1:]


def _in_quotation(text: str, position: int) -> bool:
    before = text[:position]
    return before.count('"') % 2 == 1 or before.count("“") > before.count("”")
