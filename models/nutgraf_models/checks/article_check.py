"""The check of a sentence against its article: support, unsupported terms and origin."""

from collections.abc import Sequence
from dataclasses import dataclass

from nutgraf_models.checks.standalone import opening_pronoun
from nutgraf_models.checks.statements import StatementIndex
from nutgraf_models.checks.support import THRESHOLD, probability, probability_by_others
from nutgraf_models.checks.terms import TermIndex
from nutgraf_models.checks.wording import WordingIndex
from nutgraf_models.results import Check, UnsupportedTerm, Verdict
from nutgraf_models.text.sentences import Sentence

# The checks of every sentence, here and in `evidence`.
CHECKS = (Check.EVIDENCE, Check.NUMBERS, Check.NAMES, Check.QUOTATIONS, Check.STATEMENTS)

_PERSONAL = frozenset({"he", "she"})
# Maximum distance, in article sentences, between "he" and the sentence that names him.
_REACH = 4


@dataclass(frozen=True)
class CheckedSentence:
    """A sentence, the probability that the article says it, and the terms that the article lacks.

    `origin`: the index of the article sentence that it was made from, or None. Spans of `terms` are in `text`.
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
    """Checks sentences against an article and its headline; results are cached by sentence.

    `by_others`: the sentences come from another system or a person, so their support is estimated with the weights
    fitted on such summaries.
    """

    def __init__(self, text: str, sentences: Sequence[Sentence], title: str = "", *, by_others: bool = False) -> None:
        self._count = len(sentences)
        texts = [*(sentence.text for sentence in sentences), *([title] if title.strip() else [])]
        # If the article has no capitals, those of a sentence carry no information.
        self._is_lower_case = text.islower()
        self._statements = StatementIndex(texts)
        self._wording = WordingIndex(texts) if by_others else None
        self._terms = TermIndex(text, title)
        self._checked: dict[str, CheckedSentence] = {}

    def check(self, sentence: str) -> CheckedSentence:
        if sentence not in self._checked:
            features, origin = self._statements.measure(sentence.lower() if self._is_lower_case else sentence)
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

    def still_means(self, sentence: CheckedSentence, shown: Sequence[CheckedSentence]) -> bool:
        """Whether "he" or "it" at the start of a sentence has the same antecedent after `shown` as in the article.

        "It" must follow the same sentence as in the article. "He" may also come a few sentences later, unless those in
        between name somebody else.
        """
        pronoun = opening_pronoun(sentence.text)
        if not pronoun:
            return True
        if not shown or shown[-1].origin is None or sentence.origin is None:
            return False
        gap = sentence.origin - shown[-1].origin
        known = {
            name
            for other in shown
            if other.origin is not None
            for name in self._statements.mentions.names(other.origin)
        }
        # The article sentence begins with a name that is not shown: the pronoun would refer to somebody else.
        subject = self._statements.mentions.subject(sentence.origin)
        if subject is not None and subject not in known:
            return False
        if pronoun not in _PERSONAL:
            return 0 <= gap <= 1
        between = range(shown[-1].origin + 1, sentence.origin)
        return 0 <= gap <= _REACH and all(known.issuperset(self._statements.mentions.names(index)) for index in between)

    def introduces(self, sentence: CheckedSentence, shown: Sequence[CheckedSentence]) -> bool:
        """Whether the subject of a sentence, such as "the boy" or "Jones", is in `shown`, or new in the article too.

        If the article introduces it in a sentence that is not shown, a reader would ask which boy, or who Jones is. A
        definite noun also counts as unknown if article sentences were skipped before it: they may introduce "the plant"
        as "the factory".
        """
        if sentence.origin is None:
            return True
        before = " ".join(other.text for other in shown)
        is_next = not shown or (shown[-1].origin is not None and 0 <= sentence.origin - shown[-1].origin <= 1)
        return self._statements.mentions.introduces(sentence.text, sentence.origin, before, is_next=is_next)


class NoCheck(ArticleCheck):
    """Supports every sentence; used if the check is off."""

    def __init__(self) -> None:
        super().__init__("", ())

    def check(self, sentence: str) -> CheckedSentence:
        return CheckedSentence(sentence, 1.0, (), None)
