"""What is known of a sentence once it was held against its article: the one place where sentences are checked."""

from collections.abc import Sequence
from dataclasses import dataclass

from nutgraf_models.checks.standalone import opening_pronoun
from nutgraf_models.checks.statements import StatementIndex
from nutgraf_models.checks.support import THRESHOLD, probability, probability_by_others
from nutgraf_models.checks.terms import TermIndex
from nutgraf_models.checks.wording import WordingIndex
from nutgraf_models.results import Check, UnsupportedTerm, Verdict
from nutgraf_models.text.sentences import Sentence

# What is looked at in each sentence, here and in `evidence`.
CHECKS = (Check.EVIDENCE, Check.NUMBERS, Check.NAMES, Check.QUOTATIONS, Check.STATEMENTS)

_PERSONAL = frozenset({"he", "she"})
# Sentences that "he" may be behind the one that names him.
_REACH = 4


@dataclass(frozen=True)
class CheckedSentence:
    """A sentence, the probability that the article says it, and what of it the article lacks.

    `origin` is the place of the article sentence that it was made from, None if there is none. Spans of `terms` are in
    `text`.
    """

    text: str
    support: float
    terms: tuple[UnsupportedTerm, ...]
    origin: int | None

    @property
    def is_supported(self) -> bool:
        return self.verdict() is Verdict.SUPPORTED

    def verdict(self, threshold: float = THRESHOLD) -> Verdict:
        is_supported = self.support >= threshold and not self.terms
        return Verdict.SUPPORTED if is_supported else Verdict.DOUBTED


class ArticleCheck:
    """Checks sentences against an article and its headline, each sentence once.

    `by_others`: the sentences are not by a model of this project, and their support is estimated by the weights for
    whatever others write.
    """

    def __init__(self, text: str, sentences: Sequence[Sentence], title: str = "", *, by_others: bool = False) -> None:
        self._count = len(sentences)
        texts = [*(sentence.text for sentence in sentences), *([title] if title.strip() else [])]
        # Where an article has no capitals, those of a sentence tell nothing.
        self._is_lower = text.islower()
        self._statements = StatementIndex(texts)
        self._wording = WordingIndex(texts) if by_others else None
        self._terms = TermIndex(text, title)
        self._checked: dict[str, CheckedSentence] = {}

    def check(self, sentence: str) -> CheckedSentence:
        if sentence not in self._checked:
            features, origin = self._statements.measure(sentence.lower() if self._is_lower else sentence)
            terms = self._terms.unsupported(sentence)
            if origin is None:
                support = 0.0
            elif self._wording is None:
                support = probability(features)
            else:
                support = probability_by_others(features, self._wording.measure(sentence), has_terms=bool(terms))
            self._checked[sentence] = CheckedSentence(
                sentence, support, terms, origin if origin is not None and origin < self._count else None
            )
        return self._checked[sentence]

    def still_means(self, sentence: CheckedSentence, told: Sequence[CheckedSentence]) -> bool:
        """Whether "he" or "it" at the start of a sentence still stands for what it does in the article, behind `told`.

        "It" does behind the sentence that it follows in the article. "He" does a little further on, too, unless
        somebody else is named in between.
        """
        pronoun = opening_pronoun(sentence.text)
        if not pronoun:
            return True
        if not told or told[-1].origin is None or sentence.origin is None:
            return False
        gap = sentence.origin - told[-1].origin
        known = {name for one in told if one.origin is not None for name in self._statements.names(one.origin)}
        # The article begins that sentence with a name that is not told: "he" is not who was spoken of.
        subject = self._statements.subject(sentence.origin)
        if subject is not None and subject not in known:
            return False
        if pronoun not in _PERSONAL:
            return 0 <= gap <= 1
        between = range(told[-1].origin + 1, sentence.origin)
        return 0 <= gap <= _REACH and all(known.issuperset(self._statements.names(index)) for index in between)

    def introduces(self, sentence: CheckedSentence, told: Sequence[CheckedSentence]) -> bool:
        """Whether what a sentence begins with, "the boy" or "Jones", is known from `told`, or is new in the article.

        It is neither if the article has spoken of it earlier: then its reader would ask which boy, and who Jones is. So
        would one who is told of "the plant" where sentences between the two are left out: "the factory" may be there.
        """
        if sentence.origin is None:
            return True
        before = " ".join(one.text for one in told)
        is_next = not told or (told[-1].origin is not None and 0 <= sentence.origin - told[-1].origin <= 1)
        return self._statements.introduces(sentence.text, sentence.origin, before, is_next=is_next)


class NoCheck(ArticleCheck):
    """Takes every sentence as it is, where the check is off."""

    def __init__(self) -> None:
        super().__init__("", ())

    def check(self, sentence: str) -> CheckedSentence:
        return CheckedSentence(sentence, 1.0, (), None)
