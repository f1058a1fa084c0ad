"""How far a sentence says what its article says, in the article's words and in their order.

Most false sentences of a summary are made of true words: a clause attached to another name, two facts fused, a "could"
left out. So the features do not ask which words the article has. They ask how the sentence was cut out of it: how much
of it is one subsequence of one article sentence, where that is cut, and what fell out before and after.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise, takewhile
from typing import NamedTuple

from nutgraf_models.checks.joins import given_name, is_name, joined_names, lost_link, lost_modifier, other_possessor
from nutgraf_models.checks.words import Token, alignment, common_subsequence, tokens_of
from nutgraf_models.text.ordinary_words import ordinary_words

# Article sentences that share most words with a sentence; only these are aligned with it.
_MOST_ALIGNED = 12
# Words of what is checked, and of an article sentence, that are looked at: the time of an alignment is their product.
_MOST_WORDS, _MOST_SOURCE_WORDS = 120, 400

# Whose word it is, and on what condition, where that stands before or after the statement itself.
_SAYING = re.compile(
    r"(?:said|says|say|saying|told|tells|according|claim\w*|warn\w*|argu\w*|insist\w*|suggest\w*|report|reports|reported|"
    r"believ\w*|alleg\w*|accus\w*|suspect\w*|announc\w*|reveal\w*|confirm\w*|admit\w*|tweet\w*|wrote|writes|added|"
    r"adds|think|thinks|thought|hop\w+|predict\w*|estimat\w*)$"
)
_CONDITION = re.compile(r"(?:if|unless|provided)$")
# What makes the words behind it no statement of their own.
_OPENINGS = frozenset("if unless when whenever although though instead how why whether because until once".split())
_HE, _SHE = frozenset("he him his himself mr".split()), frozenset("she her hers herself mrs ms miss".split())
_TITLES = frozenset("mr mrs ms miss dr prof professor sir dame lord lady".split())
# "Mr Davey" may be anybody until he has been named in full.
_TITLED = re.compile(r"\b(?:Mr|Mrs|Ms|Miss)\.? ([A-Z][\w’'-]*\w)")
# "The tactics were": nothing says whose.
_BARE_SUBJECT = re.compile(
    r"The (?:[a-z][a-z'’-]+ )??([a-z][a-z'’-]+) (?:is|was|were|are|has|have|had|will|would|could|can|may|might|must|"
    r"should|said|says|also|did|does|[a-z]{3,}ed|shows?|took|came|won|lost|told|went|made|left|began|led|gave|got|saw|found|"
    r"fell|rose|broke)\b"
)
# There is one of each, or everybody knows which.
_UNIQUE = frozenset(
    """
    government police president minister chancellor queen king pope world public economy market markets nation internet
    sun moon earth weather euro pound dollar army navy military media press rest majority search hunt
    """.split()
)
# "the company" of a sentence that has named none.
_BARE_NOUN = re.compile(
    r"\b(?:according to|by|from|of|that|said|says|at|in|to|for|with|against|on) the (company|firm|club|team|group|"
    r"charity|organi[sz]ation|agency|site|station|school|university|hospital|country|film|show|programme|series|band)\b"
    r"(?! (?:of|in|that|which|who|where|for|with|on|at|to|between|behind|near|from|called|known|named)\b)"
    r"(?! [A-Z\d])(?!-)",
    re.I,
)
_DEFINITE = frozenset({"the", "that", "this", "these", "those", "both"})
_SEAM = frozenset(',;:()[]–—-"“”')
_QUESTION = re.compile(r"\?[\"'”’ ]*$")


class Features(NamedTuple):
    """What is measured of a sentence. The "origin" is the article sentence that it was made from."""

    all_in_order: float  # share of its words that are a subsequence of the origin
    pairs: float  # share of its neighbouring words that are neighbours in one article sentence
    from_afar: float  # share of its content words that neither the origin nor a neighbour of that has, but the article
    insertions: float  # runs of words that are not the origin's
    ends_cut: float  # 1 for each end where the origin goes on, and there is no comma, bracket or dash; so 0 to 2
    other_subject: float  # 1 if the origin begins with a name, and the sentence with another one
    new: float  # content words that the article has not, their number
    new_names: float  # those of them with a capital
    rough_cuts: float  # places where words of the origin were left out, and there is no comma, bracket or dash
    lost_saying: float  # 1 if the origin says whose word it is, and the sentence does not
    added_saying: float  # 1 if the sentence does and the origin does not; a half if a sentence next to that does
    # 1 if an "if" before or after it was left out, a "when" or "how" just before it, an "after" between its clauses, a
    # "but" with which the origin takes it back, or the "sacked" of a "sacked minister".
    lost_condition: float
    question: float  # 1 if the origin only asks
    joined_names: float  # 1 if two names stand together as nowhere in the article, or "a man" is given a name
    other_sex: (
        float  # 1 if the sentence says "he" or "his" where the article says "she" or "her", or the other way round
    )


class StatementIndex:
    """The sentences of an article as words in order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._texts = list(sentences)
        self._tokens = [tokens_of(text)[:_MOST_SOURCE_WORDS] for text in sentences]
        self._forms = [[token.form for token in tokens] for tokens in self._tokens]
        self._content = [[token.form for token in tokens if token.is_content] for tokens in self._tokens]
        self._found_in: dict[str, list[int]] = defaultdict(list)
        self._pair_found_in: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, (forms, content) in enumerate(zip(self._forms, self._content, strict=True)):
            for form in dict.fromkeys(content):
                self._found_in[form].append(index)
            for pair in dict.fromkeys(pairwise(forms)):
                self._pair_found_in[pair].append(index)

    def subject(self, index: int) -> str | None:
        """The name that an article sentence begins with, in the form that it is compared by, or None."""
        tokens = self._tokens[index]
        if not tokens or not tokens[0].is_content or tokens[0].folded in ordinary_words():
            return None
        return tokens[0].form

    def names(self, index: int) -> Sequence[str]:
        """The capitalised words of an article sentence that are names, in the form that they are compared by."""
        first = self.subject(index)
        others = [token.form for token in self._tokens[index][1:] if token.is_name]
        return others if first is None else [first, *others]

    def introduces(self, sentence: str, origin: int, before: str, *, is_next: bool = True) -> bool:
        """Whether what a sentence begins with is in `before`, or in no article sentence ahead of `origin`.

        A definite noun that is not in `before` must stand in the article's next sentence, too (`is_next`).
        """
        known = {token.form for token in tokens_of(before)}
        tokens = tokens_of(sentence)[:_MOST_WORDS]
        if tokens and tokens[0].folded in _TITLES:
            tokens = tokens[1:]
        if not tokens or not origin:
            return True
        if not before and self._speaks_of_unknown(sentence, origin):
            return False
        if tokens[0].folded in _DEFINITE:
            # "The two young boys were": its noun is among the first words in small letters.
            nouns = list(takewhile(lambda token: not token.is_capital, tokens[1:4]))
            content = [token.form for token in nouns if token.is_content]
            if not content or len(nouns) < min(3, len(tokens) - 1):
                return True
            return bool(known.intersection(content)) or (is_next and not self._is_in(content[0], origin))
        is_lone_name = is_name(tokens[0]) and not (len(tokens) > 1 and tokens[1].is_capital)
        return not is_lone_name or tokens[0].form in known or not self._is_introduced(tokens[0].form, origin + 1)

    def _speaks_of_unknown(self, sentence: str, origin: int) -> bool:
        """Whether a summary's first sentence, of the article's middle, has "the tactics", "the firm" or "Mr Davey"."""
        bare = _BARE_SUBJECT.match(sentence)
        if bare and bare.group(1) not in _UNIQUE:
            return True
        noun = _BARE_NOUN.search(sentence)
        if noun and not any(is_name(token) for token in tokens_of(sentence[: noun.start()])[1:]):
            return True
        return any(
            re.search(rf"[A-Z][\w’'-]+ {re.escape(name)}\b", text)
            for name in _TITLED.findall(sentence)
            for text in self._texts[:origin]
        )

    def _is_in(self, form: str, origin: int) -> bool:
        """Whether an article sentence before `origin` has this content word."""
        return form in self._found_in and self._found_in[form][0] < origin

    def _is_introduced(self, name: str, origin: int) -> bool:
        """Whether the article names somebody so in full before `origin`: a capitalised word stands before the name."""
        return any(
            one.is_name and other.form == name and other.is_name
            for index in range(origin)
            for one, other in pairwise(self._tokens[index])
        )

    def measure(self, sentence: str) -> tuple[Features, int | None]:
        """The features of a sentence, and the place of its origin; None if the article has no content word of it."""
        tokens = tokens_of(sentence)[:_MOST_WORDS]
        forms = [token.form for token in tokens]
        content = [token.form for token in tokens if token.is_content]
        pairs = list(pairwise(forms))
        shared = Counter(index for form in dict.fromkeys(content) for index in self._found_in.get(form, ()))
        shared_pairs = Counter(index for pair in pairs for index in self._pair_found_in.get(pair, ()))
        near = sorted(shared, key=lambda index: (-shared[index] - shared_pairs[index], index))[:_MOST_ALIGNED]
        if not near:
            return Features(*[0.0] * len(Features._fields))._replace(new=len(content)), None
        in_order = {index: common_subsequence(content, self._content[index]) for index in near}
        origin = max(near, key=lambda index: (in_order[index] + 0.5 * shared_pairs[index], -index))
        matched = alignment(forms, self._forms[origin])
        is_asked = _QUESTION.search(self._texts[origin]) and not _QUESTION.search(sentence)
        features = Features(
            all_in_order=common_subsequence(forms, self._forms[origin]) / max(1, len(forms)),
            pairs=max(shared_pairs[index] for index in near) / max(1, len(pairs)),
            from_afar=self._from_afar(content, origin),
            insertions=_insertions(len(forms), matched),
            ends_cut=self._ends_cut(len(forms), matched, origin),
            other_subject=self._other_subject(tokens, origin),
            new=sum(form not in self._found_in for form in content),
            new_names=sum(token.is_name and token.form not in self._found_in for token in tokens),
            rough_cuts=self._rough_cuts(matched, origin),
            lost_saying=float(_is_said(self._tokens[origin]) and not _is_said(tokens)),
            added_saying=self._added_saying(tokens, origin),
            lost_condition=max(
                self._is_condition_lost(tokens, matched, origin),
                self._is_opening_lost(tokens, matched, origin),
                lost_link(matched, self._tokens[origin], partial(self._gap, origin)),
                lost_modifier(matched, self._tokens[origin], partial(self._gap, origin)),
            ),
            joined_names=max(
                joined_names(tokens, self._tokens, self._found_in), given_name(tokens, self._tokens[origin])
            ),
            question=1.0 if is_asked else 0.0,
            other_sex=max(self._other_sex(tokens, origin), other_possessor(tokens, self._tokens)),
        )
        return features, origin

    def _rough_cuts(self, matched: Sequence[tuple[int, int]], origin: int) -> float:
        return float(
            sum(
                other > one + 1 and not _SEAM & {*self._gap(origin, one + 1), *self._gap(origin, other)}
                for (_, one), (_, other) in pairwise(matched)
            )
        )

    def _is_condition_lost(self, tokens: Sequence[Token], matched: Sequence[tuple[int, int]], origin: int) -> float:
        """Whether an "if" is in the origin, outside of what the sentence takes, and none in the sentence."""
        if not matched or any(_CONDITION.match(token.folded) for token in tokens):
            return 0.0
        source = self._tokens[origin]
        outside = [*source[: matched[0][1]], *source[matched[-1][1] + 1 :]]
        return float(any(_CONDITION.match(token.folded) for token in outside))

    def _is_opening_lost(self, tokens: Sequence[Token], matched: Sequence[tuple[int, int]], origin: int) -> float:
        """Whether the sentence was cut out behind a "when" or "how" that governs it, with no comma between.

        Or behind a "with", word for word: "with the union not allowing it" has no verb to make a sentence of.
        """
        if not matched or not matched[0][1]:
            return 0.0
        first, source = matched[0][1], self._tokens[origin]
        if source[first - 1].folded == "with" and len(matched) == len(tokens):
            return 1.0
        start = next((at for at in range(first - 1, 0, -1) if _SEAM & set(self._gap(origin, at))), 0)
        return float(
            not _SEAM & set(self._gap(origin, first))
            and tokens[0].folded not in _OPENINGS
            and any(token.folded in _OPENINGS for token in source[start:first])
        )

    def _gap(self, origin: int, at: int) -> str:
        """What stands between a word of an article sentence and the one before it."""
        source = self._tokens[origin]
        return self._texts[origin][source[at - 1].end : source[at].start]

    def _added_saying(self, tokens: Sequence[Token], origin: int) -> float:
        if not _is_said(tokens) or _is_said(self._tokens[origin]):
            return 0.0
        return 0.5 if any(_is_said(one) for one in self._tokens[max(0, origin - 1) : origin + 2]) else 1.0

    def _other_sex(self, tokens: Sequence[Token], origin: int) -> float:
        said = {token.folded for token in tokens}
        near = {token.folded for one in self._tokens[max(0, origin - 1) : origin + 1] for token in one}

        def is_swapped(one: frozenset[str], other: frozenset[str]) -> bool:
            return bool(said & one and near & other) and not (said & other or near & one)

        return float(is_swapped(_HE, _SHE) or is_swapped(_SHE, _HE))

    def _from_afar(self, content: Sequence[str], origin: int) -> float:
        near = {form for forms in self._content[max(0, origin - 1) : origin + 2] for form in forms}
        return sum(form not in near and form in self._found_in for form in content) / max(1, len(content))

    def _ends_cut(self, count: int, matched: Sequence[tuple[int, int]], origin: int) -> float:
        """How many ends of a sentence of so many words were cut out of the middle of a phrase."""
        if not matched:
            return 0.0
        (first, start), (last, end) = matched[0], matched[-1]
        is_head = first == 0 < start and not _SEAM & set(self._gap(origin, start))
        is_tail = (
            last == count - 1 and end + 1 < len(self._tokens[origin]) and not _SEAM & set(self._gap(origin, end + 1))
        )
        return float(is_head + is_tail)

    def _other_subject(self, tokens: Sequence[Token], origin: int) -> float:
        subject = self.subject(origin)
        first = next((token for token in tokens if token.is_content), None)
        if subject is None or first is None or not first.is_capital:
            return 0.0
        return float(subject not in {token.form for token in tokens} and first.form not in self._content[origin])


def _insertions(count: int, matched: Sequence[tuple[int, int]]) -> float:
    """Runs of words, of so many, that are not matched."""
    places = {place for place, _ in matched}
    return float(sum(place not in places and (place == 0 or place - 1 in places) for place in range(count)))


def _is_said(tokens: Sequence[Token]) -> bool:
    """Whether they say whose word it is."""
    return any(_SAYING.match(token.folded) for token in tokens)
