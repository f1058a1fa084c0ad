"""Wrong joins in a sentence: clauses without their conjunction, and parts of different names."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise, takewhile

from nutgraf_models.checks.words import Token
from nutgraf_models.text.ordinary_words import ordinary_words

_LINKS = frozenset("after as when while because before since although though but where".split())
# After such a link, verbs that reverse the preceding clause.
_REVERSAL = re.compile(
    r"(?:quashed|overturned|cleared|acquitted|dropped|denied|denies|withdrawn|withdrew|rejected|dismissed|reversed|"
    r"annulled|refused|retracted|corrected)$"
)
# Modifiers that change the meaning of the following noun.
_ESSENTIAL_MODIFIERS = frozenset(
    """
    sacked fired ousted deposed suspended retired disgraced failed attempted would-be fake false mock accused acting
    deputy assistant shadow exiled potential possible proposed unsuccessful aspiring rejected former alleged suspected
    supposed so-called self-proclaimed suspect unconfirmed
    """.split()
)
# "It rained until the sun came out", but not "until the end of May".
_HAPPENED = re.compile(
    r"(?:[a-z]{2,}ed|was|were|had|did|came|got|took|won|made|began|left|went|fell|broke|lost|met|saw|said|told|found)$"
)
_CLAUSE_WORDS = 8
_SWAPPED = {"his": "her", "her": "his"}
# In capitalised words: "Sheikh Mohammed bin Rashid Al Maktoum".
_MAX_NAME_WORDS = 8


def lost_link(matched: Sequence[tuple[int, int]], source: Sequence[Token], gap: Callable[[int], str]) -> float:
    """1 if the sentence omits an "after" between two clauses of `source`, or a final "but it was denied"; else 0.

    `matched`: pairs of word indexes in the sentence and in `source`. `gap(index)`: the characters of `source` before
    that word.
    """
    for (index, source_index), (next_index, next_source_index) in pairwise(matched):
        omitted = {token.folded for token in source[source_index + 1 : next_source_index]}
        if next_index == index + 1 and omitted and omitted <= _LINKS and "," in gap(source_index + 1):
            return 1.0
    end = matched[-1][1] + 1 if matched else len(source)
    rest = source[end:]
    if not rest or rest[0].folded not in _LINKS or "," not in gap(end):
        return 0.0
    return float(any(_REVERSAL.match(token.folded) for token in rest))


def lost_modifier(matched: Sequence[tuple[int, int]], source: Sequence[Token], gap: Callable[[int], str]) -> float:
    """1 if the sentence omits "sacked" before "minister", or "deputy" before "mayor"; else 0. See `lost_link`."""
    for (index, source_index), (next_index, next_source_index) in pairwise(matched):
        is_omitted = next_index == index + 1 and next_source_index > source_index + 1
        if (
            is_omitted
            and gap(next_source_index) == " "
            and source[next_source_index - 1].folded in _ESSENTIAL_MODIFIERS
        ):
            return 1.0
    return 0.0


def lost_turn(matched: Sequence[tuple[int, int]], source: Sequence[Token]) -> float:
    """1 if the sentence ends before the "until she resigned" of `source`; else 0. See `lost_link`."""
    rest = source[matched[-1][1] + 1 :] if matched else ()
    return float(
        bool(rest)
        and rest[0].folded == "until"
        and any(_HAPPENED.match(token.folded) for token in rest[2:_CLAUSE_WORDS])
    )


def moved_number(matched: Sequence[tuple[int, int]], source: Sequence[Token]) -> float:
    """1 if the sentence has the number of something else: "exports fell by 5%" from "exports fell by 2% and imports by
    5%"; else 0. See `lost_link`.
    """
    for (_, before), (_, after) in pairwise(matched):
        omitted = source[before + 1 : after]
        following = source[after : after + 1 if source[after].is_content else after + 2]
        if (
            any(token.is_number for token in omitted)
            and any(token.folded == "and" for token in omitted[1:-1])
            and following[-1].is_number
        ):
            return 1.0
    return 0.0


def changed_possessor(tokens: Sequence[Token], pairs_found_in: Mapping[tuple[str, str], Sequence[int]]) -> float:
    """1 if the sentence has "his daughter" where the article has only "her daughter", or vice versa; else 0.

    `pairs_found_in`: the indexes of the article sentences that contain two adjacent word forms.
    """
    pairs = [(first.form, second.form) for first, second in pairwise(tokens) if first.form in _SWAPPED]
    return float(any(pair not in pairs_found_in and (_SWAPPED[pair[0]], pair[1]) in pairs_found_in for pair in pairs))


def joined_names(
    tokens: Sequence[Token], article: Sequence[Sequence[Token]], found_in: Mapping[str, Sequence[int]]
) -> float:
    """1 if two adjacent names never belong to the same name in the article; else 0.

    `found_in`: the indexes of the article sentences that contain a word form.
    """
    for first, second in pairwise(tokens):
        if not (is_name(first) and is_name(second)) or second.form not in found_in:
            continue
        if not any(_is_one_name(first.form, second.form, article[index]) for index in found_in.get(first.form, ())):
            return 1.0
    return 0.0


def given_name(tokens: Sequence[Token], source: Sequence[Token]) -> float:
    """1 if the sentence begins with a person's name and `source` with "a man" or the like; else 0."""
    is_unnamed = bool(source) and source[0].folded in ("a", "an")
    is_named = len(tokens) > 1 and is_name(tokens[0]) and is_name(tokens[1])
    return float(is_unnamed and is_named and all(token.form != tokens[1].form for token in source))


def is_name(token: Token) -> bool:
    """Whether a word is a name even at the start of a sentence: capitalised, and not an ordinary word."""
    return token.is_name and token.folded not in ordinary_words()


def _is_one_name(first: str, second: str, tokens: Sequence[Token]) -> bool:
    for start, token in enumerate(tokens):
        if token.form == first:
            run = takewhile(lambda following: following.is_capital, tokens[start + 1 : start + _MAX_NAME_WORDS])
            if any(following.form == second for following in run):
                return True
    return False
