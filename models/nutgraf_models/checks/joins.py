"""What a sentence joins that its article does not: clauses without the word between, and names of different people."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, takewhile

from nutgraf_models.checks.words import Token
from nutgraf_models.text.ordinary_words import ordinary_words

_LINKS = frozenset("after as when while because before since although though but where".split())
# Behind such a link, what takes back what the clause before it says.
_REVERSAL = re.compile(
    r"(?:quashed|overturned|cleared|acquitted|dropped|denied|denies|withdrawn|withdrew|rejected|dismissed|reversed|"
    r"annulled|refused|retracted|corrected)$"
)
# Words without which the noun behind them means another thing.
_TURNING = frozenset(
    """
    sacked fired ousted deposed suspended retired disgraced failed attempted would-be fake false mock accused acting
    deputy assistant shadow exiled potential possible proposed unsuccessful aspiring rejected
    """.split()
)
_SWAPPED = {"his": "her", "her": "his"}
# Capitalised words of one name: "Sheikh Mohammed bin Rashid Al Maktoum".
_LONGEST_NAME = 8


def lost_link(matched: Sequence[tuple[int, int]], source: Sequence[Token], gap: Callable[[int], str]) -> float:
    """1 if the "after" between two clauses of `source` was left out, or the "but it was denied" behind one; else 0.

    `matched` are places in the sentence and in `source`; `gap` is what stands before a word of `source`.
    """
    for (place, one), (next_place, other) in pairwise(matched):
        left_out = {token.folded for token in source[one + 1 : other]}
        if next_place == place + 1 and left_out and left_out <= _LINKS and "," in gap(one + 1):
            return 1.0
    end = matched[-1][1] + 1 if matched else len(source)
    rest = source[end:]
    if not rest or rest[0].folded not in _LINKS or "," not in gap(end):
        return 0.0
    return float(any(_REVERSAL.match(token.folded) for token in rest))


def lost_modifier(matched: Sequence[tuple[int, int]], source: Sequence[Token], gap: Callable[[int], str]) -> float:
    """1 if "sacked" was left out before "minister", or "deputy" before "mayor"; else 0. As `lost_link`."""
    for (place, one), (next_place, other) in pairwise(matched):
        if next_place == place + 1 and other > one + 1 and gap(other) == " " and source[other - 1].folded in _TURNING:
            return 1.0
    return 0.0


def other_possessor(tokens: Sequence[Token], article: Sequence[Sequence[Token]]) -> float:
    """1 if the sentence has "his daughter" where the article has only "her daughter", or vice versa; else 0."""
    said = {(one.folded, other.form) for one, other in pairwise(tokens) if one.folded in _SWAPPED}
    if not said:
        return 0.0
    known = {(one.folded, other.form) for part in article for one, other in pairwise(part) if one.folded in _SWAPPED}
    return float(any(pair not in known and (_SWAPPED[pair[0]], pair[1]) in known for pair in said))


def joined_names(
    tokens: Sequence[Token], article: Sequence[Sequence[Token]], found_in: Mapping[str, Sequence[int]]
) -> float:
    """1 if two names stand side by side that belong to one name nowhere in the article; else 0.

    `found_in` has the article sentences of a word.
    """
    for one, other in pairwise(tokens):
        if not (is_name(one) and is_name(other)) or other.form not in found_in:
            continue
        if not any(_is_one_name(one.form, other.form, article[index]) for index in found_in.get(one.form, ())):
            return 1.0
    return 0.0


def given_name(tokens: Sequence[Token], source: Sequence[Token]) -> float:
    """1 if the sentence begins with somebody's name, where `source` has "a man" or the like; else 0."""
    is_somebody = bool(source) and source[0].folded in ("a", "an")
    is_named = len(tokens) > 1 and is_name(tokens[0]) and is_name(tokens[1])
    return float(is_somebody and is_named and all(token.form != tokens[1].form for token in source))


def is_name(token: Token) -> bool:
    """Whether a word is a name wherever it stands: it has a capital, and is none of those that begin sentences."""
    return token.is_name and token.folded not in ordinary_words()


def _is_one_name(one: str, other: str, tokens: Sequence[Token]) -> bool:
    for start, token in enumerate(tokens):
        if token.form == one:
            run = takewhile(lambda following: following.is_capital, tokens[start + 1 : start + _LONGEST_NAME])
            if any(following.form == other for following in run):
                return True
    return False
