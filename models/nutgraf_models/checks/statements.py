"""How far a sentence says what its article says, in the article's words and in their order.

Most false sentences of a summary are made of true words: a clause attached to another name, two facts fused, a "could"
left out. So the features do not ask which words the article has. They ask how the sentence was cut out of it: how much
of it is one subsequence of one article sentence, where that is cut, and what fell out at the cuts.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from nutgraf_models.checks.forms import canonical, fold
from nutgraf_models.checks.names import ordinary_words
from nutgraf_models.checks.number_words import SMALL_NUMBERS

# Article sentences that share most words with a sentence; only these are aligned with it.
_MOST_ALIGNED = 12
# How many sentences back a name is looked for that a pronoun may stand for.
_REACH = 3

_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:[.,:]\d+)*")
_STOP_WORDS = frozenset(
    "a about after also an and any are as at be been being but by can could did do does for from had has have he her "
    "hers him his how i if in into is it its may might more most must of on or our out over s said say says shall she "
    "should so some such than that the their them then there these they this those to too up us was we were what when "
    "where which while who whom whose will with would you your".split()
)
# What turns a statement round, or says that it is no certain fact. Left out, or put in, it makes another statement.
_STANCE = re.compile(
    r"(?:not|no|never|nor|will|neither|nobody|none|nothing|without|cannot|could|may|might|should|would|alleged(?:ly)?|"
    r"accus\w+|suspect\w*|claim\w*|reportedly|apparently|if|whether|unless|likely|unlikely|expect\w*|plan|plans|planned|"
    r"planning|consider\w*|possibl\w+|attempt\w*|fail\w*|refus\w+|believed?|thought|den(?:y|ies|ied)|only|almost|nearly|"
    r"until|except|\w+n't)$"
)
# Who says so, and on what condition, where it stands before or after the statement itself.
_SAYING = re.compile(
    r"(?:said|says|say|saying|told|tells|according|claim\w*|warn\w*|argu\w*|insist\w*|suggest\w*|report|reports|reported|"
    r"believ\w*|alleg\w*|accus\w*|suspect\w*|announc\w*|reveal\w*|confirm\w*|admit\w*|tweet\w*|wrote|writes|added|"
    r"adds|think|thinks|thought|hop\w+|predict\w*|estimat\w*)$"
)
_CONDITION = re.compile(r"(?:if|unless|provided)$")
_CAUTION = re.compile(r"(?:would|could|might|may|whether)$")
_HE, _SHE = frozenset("he him his himself mr".split()), frozenset("she her hers herself mrs ms miss".split())
_PRONOUNS = frozenset("he she it they his her its their who him them".split())
_SEAM = frozenset(',;:()[]–—-"“”')


class Token(NamedTuple):
    """A word or number: what it is compared by, its letters without case, and where it is."""

    form: str
    folded: str
    start: int
    end: int
    is_capital: bool

    @property
    def is_content(self) -> bool:
        return self.folded not in _STOP_WORDS


class Features(NamedTuple):
    """What is measured of a sentence; shares are of its words. `checks/support.py` weighs them."""

    in_order: float  # content words that are a subsequence of one article sentence
    in_order_two: float  # the same, of two neighbouring ones
    in_order_named: float  # the same, of one with the names just before it, as pronouns stand for them
    all_in_order: float  # all words, of the article sentence that has most
    pairs: float  # neighbouring words that one article sentence has next to each other
    pairs_two: float  # the same, of two neighbouring ones
    pairs_anywhere: float
    known: float  # content words that the article has
    new: float  # content words that it has not, their number
    cuts: float  # places where the words go on elsewhere in the article sentence
    rough_cuts: float  # those of them where the article has no comma, bracket or dash
    lost_names: float  # names that fell out at the cuts
    lost_stance: float  # "not", "could", "alleged" that fell out
    added_stance: float  # the same, put in
    lost_saying: float  # 1 if the article says who says so, before or after, and the sentence does not
    lost_condition: float  # 1 if "if" or "unless" stands before or after, and not in the sentence
    lost_caution: float  # the same of "could", "would", "might"
    added_saying: float  # 1 if the sentence says who says so, and neither the article sentence nor one next to it does
    new_names: float  # capitalised words that the article has not, their number
    other_sex: float  # 1 if the sentence says "he" where the article says "she", or the other way round
    missing: float  # content words beyond those of the article sentence that has most in order, their number
    breaks: float  # neighbouring words that are none in the article sentence that has most, their number
    question: float  # 1 if the article only asks
    other_subject: float  # 1 if the article sentence begins with a name, and the sentence with another one
    names_here: float  # names that the article sentence has
    names_near: float  # names that the article sentence, or the one before it, has
    same_subject: float  # 1 if the first name or noun is in the article sentence, or before one that starts with "he"
    repeats: float  # stretches of three words that come twice
    words: float


class StatementIndex:
    """The sentences of an article as words in order."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._texts = list(sentences)
        self._tokens = [tokens_of(text) for text in sentences]
        self._forms = [[token.form for token in tokens] for tokens in self._tokens]
        self._content = [[token.form for token in tokens if token.is_content] for tokens in self._tokens]
        self._names = [
            [token.form for token in tokens if token.is_capital and token.is_content] for tokens in self._tokens
        ]
        self._pairs = [frozenset(pairwise(forms)) for forms in self._forms]
        self._found_in: dict[str, list[int]] = defaultdict(list)
        for index, content in enumerate(self._content):
            for form in dict.fromkeys(content):
                self._found_in[form].append(index)
        self._pair_found_in: dict[tuple[str, str], list[int]] = defaultdict(list)
        for index, pairs in enumerate(self._pairs):
            for pair in pairs:
                self._pair_found_in[pair].append(index)

    def subject(self, index: int) -> str | None:
        """The name that an article sentence begins with, in the form that it is compared by, or None."""
        tokens = self._tokens[index]
        if not tokens or not tokens[0].is_content or tokens[0].folded in ordinary_words():
            return None
        return tokens[0].form

    def names(self, index: int) -> Sequence[str]:
        """The capitalised words of an article sentence that are names, in the form that they are compared by."""
        tokens = self._tokens[index]
        first = [tokens[0].form] if self.subject(index) is not None else []
        return [*first, *(token.form for token in tokens[1:] if token.is_capital and token.is_content)]

    def measure(self, sentence: str) -> tuple[Features, int | None]:
        """The features of a sentence, and the place of the article sentence that it was made from."""
        tokens = tokens_of(sentence)
        forms = [token.form for token in tokens]
        content = [token.form for token in tokens if token.is_content]
        known = [form for form in content if form in self._found_in]
        pairs = list(pairwise(forms))
        shared = Counter(index for form in dict.fromkeys(known) for index in self._found_in[form])
        shared_pairs = Counter(index for pair in dict.fromkeys(pairs) for index in self._pair_found_in.get(pair, ()))
        near = sorted(shared, key=lambda index: (-shared[index] - shared_pairs[index], index))[:_MOST_ALIGNED]
        if not near:
            nothing = Features(*[0.0] * len(Features._fields))
            counts = {"new": len(content), "missing": len(content), "breaks": len(pairs), "words": len(tokens)}
            return nothing._replace(**counts), None
        in_order = {index: common_subsequence(content, self._content[index]) for index in near}
        origin = max(near, key=lambda index: (in_order[index] + 0.5 * shared_pairs[index], -index))
        two = max(
            common_subsequence(content, self._content[one] + self._content[other])
            for one, other in self._neighbours(near)
        )
        named = max(common_subsequence(content, self._names_before(index) + self._content[index]) for index in near)
        in_pairs_two = max(
            sum(pair in self._pairs[one] or pair in self._pairs[other] for pair in pairs)
            for one, other in self._neighbours(near)
        )
        cuts = self._cuts(tokens, origin)
        size, pair_count = max(1, len(content)), max(1, len(pairs))
        triples = list(zip(forms, forms[1:], forms[2:], strict=False))
        stance = {token.folded for token in tokens if _STANCE.match(token.folded)}
        return (
            Features(
                max(in_order.values()) / size,
                max(two, max(in_order.values())) / size,
                named / size,
                common_subsequence(forms, self._forms[origin]) / max(1, len(forms)),
                max(sum(pair in self._pairs[index] for pair in pairs) for index in near) / pair_count,
                in_pairs_two / pair_count,
                sum(pair in self._pair_found_in for pair in pairs) / pair_count,
                len(known) / size,
                len(content) - len(known),
                *cuts,
                len(stance - {token.folded for index in (near[0], origin) for token in self._tokens[index]}),
                *self._left_outside(tokens, origin),
                self._added_saying(tokens, origin),
                sum(token.is_capital and token.is_content and token.form not in self._found_in for token in tokens),
                self._other_sex(tokens, origin),
                len(content) - max(in_order.values()),
                len(pairs) - max(sum(pair in self._pairs[index] for pair in pairs) for index in near),
                float(
                    self._texts[origin].rstrip("\"'”’ ").endswith("?") and not sentence.rstrip("\"'”’ ").endswith("?")
                ),
                self._other_subject(tokens, origin),
                self._names_within(tokens, [origin]),
                self._names_within(tokens, [max(0, origin - 1), origin]),
                self._same_subject(tokens, origin),
                len(triples) - len(set(triples)),
                len(tokens),
            ),
            origin,
        )

    def _neighbours(self, near: Sequence[int]) -> list[tuple[int, int]]:
        pairs = {(index + step, index + step + 1) for index in near for step in (-1, 0)}
        inside = [pair for pair in pairs if pair[0] >= 0 and pair[1] < len(self._texts)]
        return inside or [(near[0], near[0])]

    def _names_before(self, index: int) -> list[str]:
        return [name for before in range(max(0, index - _REACH), index) for name in self._names[before]]

    def _cuts(self, tokens: Sequence[Token], origin: int) -> tuple[float, float, float, float]:
        """Cuts, rough cuts, lost names and lost words of stance where the sentence is cut out of its origin."""
        text, source = self._texts[origin], self._tokens[origin]
        matched = _alignment([token.form for token in tokens], self._forms[origin])
        cuts = rough = names = stance = 0
        kept = {token.folded for token in tokens}
        for (_, one), (_, other) in pairwise(matched):
            lost = source[one + 1 : other]
            if not lost:
                continue
            cuts += 1
            opens = text[source[one].end : lost[0].start].strip()
            closes = text[lost[-1].end : source[other].start].strip()
            rough += not (_SEAM & {*opens, *closes})
            names += any(token.is_capital and token.is_content and token.folded not in kept for token in lost)
            stance += sum(_STANCE.match(token.folded) is not None and token.folded not in kept for token in lost)
        return float(cuts), float(rough), float(names), float(stance)

    def _left_outside(self, tokens: Sequence[Token], origin: int) -> tuple[float, float, float]:
        """Whether a saying, a condition and a caution of the origin stand outside of what the sentence takes."""
        source = self._tokens[origin]
        matched = _alignment([token.form for token in tokens], self._forms[origin])
        if not matched:
            return 0.0, 0.0, 0.0
        outside = [*source[: matched[0][1]], *source[matched[-1][1] + 1 :]]

        def is_lost(pattern: re.Pattern[str]) -> bool:
            return any(pattern.match(token.folded) for token in outside) and not any(
                pattern.match(token.folded) for token in tokens
            )

        return float(is_lost(_SAYING)), float(is_lost(_CONDITION)), float(is_lost(_CAUTION))

    def _added_saying(self, tokens: Sequence[Token], origin: int) -> float:
        if not any(_SAYING.match(token.folded) for token in tokens):
            return 0.0
        near = range(max(0, origin - 1), min(len(self._tokens), origin + 2))
        said = [any(_SAYING.match(token.folded) for token in self._tokens[index]) for index in near]
        return (
            0.0
            if any(said[place] for place, index in enumerate(near) if index == origin)
            else 0.5
            if any(said)
            else 1.0
        )

    def _other_sex(self, tokens: Sequence[Token], origin: int) -> float:
        said = {token.folded for token in tokens}
        near = {token.folded for index in range(max(0, origin - 1), origin + 1) for token in self._tokens[index]}
        return float(
            any(
                said & one and not said & other and near & other and not near & one
                for one, other in ((_HE, _SHE), (_SHE, _HE))
            )
        )

    def _names_within(self, tokens: Sequence[Token], places: Sequence[int]) -> float:
        names = [token.form for token in tokens if token.is_capital and token.is_content]
        near = {form for index in places for form in self._content[index]}
        return sum(name in near for name in names) / len(names) if names else 1.0

    def _other_subject(self, tokens: Sequence[Token], origin: int) -> float:
        subject = self.subject(origin)
        first = next((token for token in tokens if token.is_content), None)
        if subject is None or first is None or not first.is_capital:
            return 0.0
        return float(subject not in {token.form for token in tokens} and first.form not in self._content[origin])

    def _same_subject(self, tokens: Sequence[Token], origin: int) -> float:
        first = next((token.form for token in tokens if token.is_content), "")
        if first in self._content[origin]:
            return 1.0
        starts = {token.folded for token in self._tokens[origin][:4]}
        # "He" is mostly whoever the sentence before began with.
        named = next(
            (names for place in range(origin - 1, max(0, origin - _REACH) - 1, -1) if (names := self.names(place))), ()
        )
        return float(bool(starts & _PRONOUNS) and first in named[:2])


def tokens_of(text: str) -> list[Token]:
    return [
        Token(_form(match.group()), fold(match.group()), match.start(), match.end(), match.group()[0].isupper())
        for match in _TOKEN.finditer(text)
    ]


def content_shared(point: str, sentence: str) -> float:
    """The share, 0 to 1, of the content words of `point` that `sentence` has."""
    wanted = {token.form for token in tokens_of(point) if token.is_content}
    return len(wanted & {token.form for token in tokens_of(sentence)}) / len(wanted) if wanted else 0.0


def common_subsequence(words: Sequence[str], other: Sequence[str]) -> int:
    """The length of their longest common subsequence.

    Bit-parallel: a few operations for each word of `other` (Hyyrö 2004, "Bit-parallel LCS-length computation
    revisited").
    """
    places: dict[str, int] = defaultdict(int)
    for place, word in enumerate(words):
        places[word] |= 1 << place
    everywhere = (1 << len(words)) - 1
    free = everywhere
    for word in other:
        if word in places:
            here = free & places[word]
            free = ((free + here) | (free - here)) & everywhere
    return len(words) - free.bit_count()


def _alignment(words: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of places of a longest common subsequence; of several, one with few gaps in `other`."""
    rows, columns = len(words), len(other)
    # Twice the length, and one more for each pair that follows directly on another in both.
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            score = max(best[row + 1][column], best[row][column + 1])
            if words[row] == other[column]:
                follows = row + 1 < rows and column + 1 < columns and words[row + 1] == other[column + 1]
                score = max(score, best[row + 1][column + 1] + 2 + follows)
            best[row][column] = score
    pairs: list[tuple[int, int]] = []
    row = column = 0
    while row < rows and column < columns:
        if words[row] == other[column]:
            follows = row + 1 < rows and column + 1 < columns and words[row + 1] == other[column + 1]
            if best[row][column] == best[row + 1][column + 1] + 2 + follows:
                pairs.append((row, column))
                row, column = row + 1, column + 1
                continue
        if best[row + 1][column] >= best[row][column + 1]:
            row += 1
        else:
            column += 1
    return pairs


@lru_cache(maxsize=1 << 15)
def _form(word: str) -> str:
    if word[0].isdecimal():
        return word.replace(",", "")
    form = canonical(word)
    return SMALL_NUMBERS.get(form, form)
