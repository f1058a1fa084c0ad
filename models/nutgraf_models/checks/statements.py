"""Features that measure how a sentence was cut out of its article.

Most false sentences of a summary consist of the article's own words: a clause attached to another name, two facts
fused, a "could" left out. So the features measure less which words the article contains than how much of the sentence
is a subsequence of one article sentence, where that one was cut, and which words were dropped before and after.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from nutgraf_models.checks.joins import (
    changed_possessor,
    given_name,
    joined_names,
    lost_link,
    lost_modifier,
    lost_turn,
    moved_number,
)
from nutgraf_models.checks.mentions import Mentions
from nutgraf_models.checks.words import Token, alignment, common_subsequence, tokens_of

# A sentence is aligned only with the article sentences that share the most words with it.
_MAX_ALIGNED = 12
# Words of a checked sentence and of an article sentence that are aligned: the time grows with the product.
_MAX_WORDS, _MAX_SOURCE_WORDS = 120, 400

# Verbs of attribution, before or after the statement itself.
_ATTRIBUTION = re.compile(
    r"(?:said|says|say|saying|told|tells|according|claim\w*|warn\w*|argu\w*|insist\w*|suggest\w*|report|reports|reported|"
    r"believ\w*|alleg\w*|accus\w*|suspect\w*|announc\w*|reveal\w*|confirm\w*|admit\w*|tweet\w*|wrote|writes|added|"
    r"adds|think|thinks|thought|hop\w+|predict\w*|estimat\w*)$"
)
_CONDITION = re.compile(r"(?:if|unless|provided)$")
# Words that make the following clause a dependent one.
_SUBORDINATORS = frozenset("if unless when whenever although though instead how why whether because until once".split())
_HE, _SHE = frozenset("he him his himself mr".split()), frozenset("she her hers herself mrs ms miss".split())
_SEAM = frozenset(',;:()[]–—-"“”')
_STOPS = frozenset(".!?")
_AUXILIARIES = frozenset(
    "is are was were has have had will would can could may might must shall should does did".split()
)
_PREPOSITIONS = frozenset(
    """
    in on at of to for from with by into onto over against about near under between behind beside outside inside off
    above below along across through throughout around within beyond towards toward upon among
    """.split()
)
_DETERMINERS = frozenset("the a an his her its their".split())
_RELATIVE = frozenset("that which who whom whose where when".split())
# Words that begin an addition, which a sentence may omit at its end.
_ADDITIONS = frozenset(
    """
    as while because since although though where who which with without following amid during despite until including
    and or but so in on at by for from near around outside inside under over through
    """.split()
)
# These do too, except after one of _TIMES: "the day after".
_TIME_LINKS = frozenset("after before when".split())
_TIMES = frozenset("day days week weeks month months year years hour hours minute minutes moment time just".split())
# Quotation marks, by the spaces around them, which also works where one is missing.
_QUOTATION_MARK = re.compile(r"(?P<opening>(?<![^\s(\[])[\"“](?=\S))|(?P<closing>(?<=\S)[\"”](?!\w))")
# Maximum number of sentences from one within a quotation to the one that closes it.
_MAX_QUOTED = 3
_QUESTION = re.compile(r"\?[\"'”’ ]*$")


class Features(NamedTuple):
    """Features of a sentence. Its "origin" is the article sentence that it was made from."""

    all_in_order: float  # share of its words in a common subsequence with the origin
    pairs: float  # share of its pairs of adjacent words that are adjacent in one article sentence
    distant_words: float  # share of its content words from article sentences that are not next to the origin
    insertions: float  # number of runs of words that the origin lacks
    ends_cut: float  # number of its ends, 0 to 2, that cut the origin where there is no comma, bracket or dash
    changed_subject: float  # 1 if it and the origin begin with different names
    new_words: float  # number of content words that the article lacks
    new_names: float  # number of new words that are capitalised
    rough_cuts: float  # number of cuts within the origin at which there is no comma, bracket or dash
    # 1 if the origin attributes the statement and the sentence does not, also by quoting it: "I won. They cheered."
    lost_attribution: float
    added_attribution: float  # 1 if only the sentence attributes it; 0.5 if a neighbour of the origin does too
    # 1 if the sentence drops a qualifier of the statement: an "if" clause before or after it, a "when" or "how" that
    # governs it, the "after" between its clauses, a final clause that reverses it ("but it was denied", "until it
    # broke"), the "sacked" of a "sacked minister", its main verb, the noun between two phrases, or a number's noun.
    lost_qualifier: float
    question: float  # 1 if the origin is a question and the sentence is not
    broken_off: float  # 1 if it ends in the middle of a phrase of the origin
    joined_names: float  # 1 if it joins names that are never one name in the article, or gives "a man" a name
    changed_gender: float  # 1 if it has "he" or "his" where the article has "she" or "her", or vice versa


class StatementIndex:
    """An index of the words and word pairs of an article's sentences."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._texts = list(sentences)
        self._tokens = [tokens_of(text)[:_MAX_SOURCE_WORDS] for text in sentences]
        self._is_quoted = _quoted(self._texts)
        self.mentions = Mentions(self._texts, self._tokens)
        self._forms = [[token.form for token in tokens] for tokens in self._tokens]
        self._content = [[token.form for token in tokens if token.is_content] for tokens in self._tokens]
        self._found_in: dict[str, list[int]] = defaultdict(list)
        self._pair_found_in: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, (forms, content) in enumerate(zip(self._forms, self._content, strict=True)):
            for form in dict.fromkeys(content):
                self._found_in[form].append(index)
            for pair in dict.fromkeys(pairwise(forms)):
                self._pair_found_in[pair].append(index)

    def measure(self, sentence: str) -> tuple[Features, int | None]:
        """The features of a sentence and the index of its origin; None if they share no content word."""
        tokens = tokens_of(sentence)[:_MAX_WORDS]
        forms = [token.form for token in tokens]
        content = [token.form for token in tokens if token.is_content]
        pairs = list(pairwise(forms))
        shared = Counter(index for form in dict.fromkeys(content) for index in self._found_in.get(form, ()))
        shared_pairs = Counter(index for pair in pairs for index in self._pair_found_in.get(pair, ()))
        near = sorted(shared, key=lambda index: (-shared[index] - shared_pairs[index], index))[:_MAX_ALIGNED]
        if not near:
            return Features(*[0.0] * len(Features._fields))._replace(new_words=len(content)), None
        in_order = {index: common_subsequence(content, self._content[index]) for index in near}
        origin = max(near, key=lambda index: (in_order[index] + 0.5 * shared_pairs[index], -index))
        matched = alignment(forms, self._forms[origin])
        cuts = self._cuts(matched, origin)
        is_question = _QUESTION.search(self._texts[origin]) and not _QUESTION.search(sentence)
        features = Features(
            all_in_order=common_subsequence(forms, self._forms[origin]) / max(1, len(forms)),
            pairs=max(shared_pairs[index] for index in near) / max(1, len(pairs)),
            distant_words=self._distant_words(content, origin),
            insertions=_insertions(len(forms), matched),
            ends_cut=self._ends_cut(len(forms), matched, origin),
            changed_subject=self._changed_subject(tokens, origin),
            new_words=sum(form not in self._found_in for form in content),
            new_names=sum(token.is_name and token.form not in self._found_in for token in tokens),
            rough_cuts=len(cuts),
            lost_attribution=float(
                (_is_attributed(self._tokens[origin]) and not _is_attributed(tokens))
                or (self._is_quoted[origin] and not _QUOTATION_MARK.search(sentence))
            ),
            added_attribution=self._added_attribution(tokens, origin),
            lost_qualifier=max(
                self._is_condition_lost(tokens, matched, origin),
                self._is_subordinator_lost(tokens, matched, origin),
                lost_link(matched, self._tokens[origin], partial(self._gap, origin)),
                lost_modifier(matched, self._tokens[origin], partial(self._gap, origin)),
                lost_turn(matched, self._tokens[origin]),
                moved_number(matched, self._tokens[origin]),
                self._is_verb_lost(matched, cuts, origin),
                self._is_head_lost(cuts, origin),
            ),
            broken_off=self._is_broken_off(len(forms), matched, origin),
            joined_names=max(
                joined_names(tokens, self._tokens, self._found_in), given_name(tokens, self._tokens[origin])
            ),
            question=1.0 if is_question else 0.0,
            changed_gender=max(self._changed_gender(tokens, origin), changed_possessor(tokens, self._pair_found_in)),
        )
        return features, origin

    def _cuts(self, matched: Sequence[tuple[int, int]], origin: int) -> list[tuple[int, int]]:
        """The words of the origin before and after each omission that has no punctuation at either end."""
        return [
            (first, second)
            for (_, first), (_, second) in pairwise(matched)
            if second > first + 1 and not _SEAM & {*self._gap(origin, first + 1), *self._gap(origin, second)}
        ]

    def _is_broken_off(self, count: int, matched: Sequence[tuple[int, int]], origin: int) -> float:
        """1 if a sentence of `count` words omits the end of the origin, and that is more than an addition; else 0."""
        if not matched or not self._is_tail_cut(count, matched, origin):
            return 0.0
        last, following, *rest = self._tokens[origin][matched[-1][1] : matched[-1][1] + 3]
        # "To win" is an addition; "took the score to 6-1" lacks its end.
        if following.folded == "to" and rest and not rest[0].is_number:
            return 0.0
        is_time = last.folded in _TIMES and following.folded in _TIME_LINKS
        return float(is_time or following.folded not in _TIME_LINKS | _ADDITIONS)

    def _is_verb_lost(self, matched: Sequence[tuple[int, int]], cuts: Sequence[tuple[int, int]], origin: int) -> float:
        """1 if a cut without punctuation removes an auxiliary that is not in a relative clause; else 0.

        Also 1 if an auxiliary is the first of the words removed before punctuation: "claims the port, the mayor said"
        from "claims the port is closed, the mayor said".
        """
        source = self._tokens[origin]
        for (_, first), (_, second) in pairwise(matched):
            starts = second > first + 2 and not _SEAM & set(self._gap(origin, first + 1))
            if starts and source[first + 1].folded in _AUXILIARIES and _SEAM & set(self._gap(origin, second)):
                return 1.0
        for first, second in cuts:
            omitted = [token.folded for token in self._tokens[origin][first + 1 : second]]
            if omitted[0] not in _RELATIVE and not _AUXILIARIES.isdisjoint(omitted):
                return 1.0
        return 0.0

    def _is_head_lost(self, cuts: Sequence[tuple[int, int]], origin: int) -> float:
        """1 if a cut joins two phrases: "an old York" from "an old fence in York"; else 0.

        "In Kunming" from "in the city of Kunming" is fine: a preposition or the whole phrase with its article is left.
        """
        for first, second in cuts:
            words = [token.folded for token in self._tokens[origin][first:second]]
            left, *omitted = words
            ending = [word for word in omitted if word not in _DETERMINERS][-1:]
            if (
                len(omitted) > 1
                and left not in _PREPOSITIONS
                and omitted[0] not in _DETERMINERS
                and ending
                and ending[0] in _PREPOSITIONS
            ):
                return 1.0
        return 0.0

    def _is_condition_lost(self, tokens: Sequence[Token], matched: Sequence[tuple[int, int]], origin: int) -> float:
        """1 if the origin has an "if" before or after the matched words, and the sentence has none; else 0."""
        if not matched or any(_CONDITION.match(token.folded) for token in tokens):
            return 0.0
        source = self._tokens[origin]
        outside = [*source[: matched[0][1]], *source[matched[-1][1] + 1 :]]
        return float(any(_CONDITION.match(token.folded) for token in outside))

    def _is_subordinator_lost(self, tokens: Sequence[Token], matched: Sequence[tuple[int, int]], origin: int) -> float:
        """1 if the sentence drops a "when" or "how" that governs it, with no comma between; else 0.

        Also 1 for an exact copy after "with": "with the union not allowing it" has no finite verb.
        """
        if not matched or not matched[0][1]:
            return 0.0
        first, source = matched[0][1], self._tokens[origin]
        if source[first - 1].folded == "with" and len(matched) == len(tokens):
            return 1.0
        start = next((index for index in range(first - 1, 0, -1) if _SEAM & set(self._gap(origin, index))), 0)
        return float(
            not _SEAM & set(self._gap(origin, first))
            and tokens[0].folded not in _SUBORDINATORS
            and any(token.folded in _SUBORDINATORS for token in source[start:first])
        )

    def _gap(self, origin: int, index: int) -> str:
        """The characters of an article sentence between a word and the one before it."""
        source = self._tokens[origin]
        return self._texts[origin][source[index - 1].end : source[index].start]

    def _added_attribution(self, tokens: Sequence[Token], origin: int) -> float:
        if not _is_attributed(tokens) or _is_attributed(self._tokens[origin]):
            return 0.0
        is_near = any(_is_attributed(neighbour) for neighbour in self._tokens[max(0, origin - 1) : origin + 2])
        return 0.5 if is_near else 1.0

    def _changed_gender(self, tokens: Sequence[Token], origin: int) -> float:
        words = {token.folded for token in tokens}
        near = {token.folded for source in self._tokens[max(0, origin - 1) : origin + 1] for token in source}

        def is_swapped(said: frozenset[str], meant: frozenset[str]) -> bool:
            return bool(words & said and near & meant) and not (words & meant or near & said)

        return float(is_swapped(_HE, _SHE) or is_swapped(_SHE, _HE))

    def _distant_words(self, content: Sequence[str], origin: int) -> float:
        near = {form for forms in self._content[max(0, origin - 1) : origin + 2] for form in forms}
        return sum(form not in near and form in self._found_in for form in content) / max(1, len(content))

    def _ends_cut(self, count: int, matched: Sequence[tuple[int, int]], origin: int) -> float:
        """How many ends of a sentence of `count` words cut the origin in the middle of a phrase."""
        if not matched:
            return 0.0
        first, start = matched[0]
        is_head = first == 0 < start and not _SEAM & set(self._gap(origin, start))
        return float(is_head + self._is_tail_cut(count, matched, origin))

    def _is_tail_cut(self, count: int, matched: Sequence[tuple[int, int]], origin: int) -> bool:
        """Whether a sentence of `count` words ends where the origin goes on without punctuation."""
        source, (last, end) = self._tokens[origin], matched[-1]
        # Before a capital letter or after a full stop, a headline or caption may have run into the sentence.
        return (
            last == count - 1
            and end + 1 < len(source)
            and not source[end + 1].is_capital
            and not (_SEAM | _STOPS) & set(self._gap(origin, end + 1))
        )

    def _changed_subject(self, tokens: Sequence[Token], origin: int) -> float:
        subject = self.mentions.subject(origin)
        first = next((token for token in tokens if token.is_content), None)
        if subject is None or first is None or not first.is_capital:
            return 0.0
        return float(subject not in {token.form for token in tokens} and first.form not in self._content[origin])


def _quoted(texts: Sequence[str]) -> list[bool]:
    """Whether each sentence lies within a quotation that opens in a sentence before it and closes in one after it."""
    marks = [[match.lastgroup for match in _QUOTATION_MARK.finditer(text)] for text in texts]
    result = []
    before = None
    for index, found in enumerate(marks):
        after = next((later[0] for later in marks[index + 1 : index + 1 + _MAX_QUOTED] if later), None)
        result.append(not found and before == "opening" and after == "closing")
        before = found[-1] if found else before
    return result


def _insertions(count: int, matched: Sequence[tuple[int, int]]) -> float:
    """The number of runs of unmatched words in a sentence of `count` words."""
    found = {index for index, _ in matched}
    return float(sum(index not in found and (index == 0 or index - 1 in found) for index in range(count)))


def _is_attributed(tokens: Sequence[Token]) -> bool:
    """Whether a sentence attributes its statement."""
    return any(_ATTRIBUTION.match(token.folded) for token in tokens)
