"""The check of any summary against its article, with the weights for sentences by others."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from nutgraf_models.checks.article_check import CHECKS, ArticleCheck, CheckedSentence
from nutgraf_models.checks.claims import claims_nothing, only_asks
from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.checks.support import OTHERS_THRESHOLD
from nutgraf_models.checks.words import tokens_of
from nutgraf_models.errors import EmptyArticle, EmptySummary
from nutgraf_models.results import CheckedSummary, Span, SummarySentence, UnsupportedTerm, Verdict
from nutgraf_models.text import language
from nutgraf_models.text.detokenize import has_numbers_in_parts, with_whole_numbers
from nutgraf_models.text.mapped_text import MappedText
from nutgraf_models.text.normalize import clean, normalize
from nutgraf_models.text.sentences import Sentence, split
from nutgraf_models.text.warnings import article_warnings

# The check's word lists and rules are English.
_LANGUAGES = ("en",)
# The check reads only the first 120 words of a summary sentence and 400 of an article sentence, so longer ones are
# split. The pieces of an article sentence overlap, so that one of them contains the whole origin of a summary piece.
_MAX_PIECE_WORDS = 120
_WINDOW_WORDS, _WINDOW_STEP = 400, 200
_LIST_NUMBER = re.compile(r"\(?\d{1,2}[.)]")
# Bullets, Markdown and citation marks, which would separate a sentence from its capital letter.
_MARKS = re.compile(r"^(?:[-–—•‣◦▪·>#*]+|\(?\d{1,2}[.)])\s+|[*`#]+|\[\d{1,3}(?:, ?\d{1,3})*\]")


def check_summary(
    text: str,
    title: str,
    summary: str,
    *,
    threshold: float = OTHERS_THRESHOLD,
    count_tokens: Callable[[Sequence[str]], list[int]] | None = None,
    between_steps: Callable[[], None] = lambda: None,
) -> CheckedSummary:
    """Checks a summary, sentence by sentence, against the article `text` with the headline `title`.

    `threshold`: minimum support, 0 to 1, of a supported sentence. `count_tokens`: the token counter for `input_tokens`,
    which is 0 without one. `between_steps`: called before each sentence and each longer step; its exceptions end the
    check.

    Raises:
        EmptyArticle: the article is empty or blank.
        EmptySummary: the summary is empty or blank.
    """
    started = time.perf_counter()
    article, cleaned = normalize(text), clean(summary)
    # In a tokenised summary, numbers are split the same way as in the article.
    if not has_numbers_in_parts(cleaned.text):
        article = with_whole_numbers(article)
    sentences = split(article.text)
    if not sentences:
        raise EmptyArticle("the text has no letters, digits or symbols")
    parts = _joined(cleaned.text, split(cleaned.text))
    if not parts:
        raise EmptySummary("the summary has no letters, digits or symbols")
    between_steps()
    tokens = count_tokens([article.text])[0] if count_tokens is not None else 0
    code = language.detect(article.text)
    between_steps()
    check = ArticleCheck(article.text, list(_windows(sentences)), title, by_others=True)
    between_steps()
    evidence = EvidenceIndex(article, sentences)
    indexed = time.perf_counter()
    checked: list[SummarySentence] = []
    terms: list[UnsupportedTerm] = []
    for part in parts:
        between_steps()
        sentence, found = _check(part, check, evidence, cleaned, threshold)
        checked.append(sentence)
        terms += found
    verdicts = {sentence.verdict for sentence in checked}
    # Doubt comes first: one false sentence makes a summary false.
    precedence = (Verdict.DOUBTED, Verdict.SUPPORTED, Verdict.NO_CLAIM)
    return CheckedSummary(
        support=min(sentence.support for sentence in checked if sentence.support is not None),
        verdict=next(verdict for verdict in precedence if verdict in verdicts),
        sentences=tuple(checked),
        unsupported_terms=tuple(terms),
        checks_run=CHECKS,
        threshold=threshold,
        character_count=len(text),
        input_tokens=tokens,
        language=code,
        warnings=article_warnings(sentences, code, "the check", _LANGUAGES),
        tokenize_seconds=indexed - started,
        check_seconds=time.perf_counter() - indexed,
    )


def _check(
    part: Sentence, check: ArticleCheck, evidence: EvidenceIndex, summary: MappedText, threshold: float
) -> tuple[SummarySentence, list[UnsupportedTerm]]:
    """A checked sentence of a summary and its unsupported terms, with spans in the summary as sent."""
    span = Span(*summary.source_span(part.start, part.end))
    # Blanks of equal length keep the positions.
    plain = _MARKS.sub(lambda match: " " * len(match.group()), part.text)
    text = plain.strip()
    start = part.start + len(plain) - len(plain.lstrip())
    if claims_nothing(text):
        return SummarySentence(span, (), 1.0, Verdict.NO_CLAIM), []
    checked = check.check(text)
    # A question with an unsupported name presupposes a person whom the article does not mention.
    if only_asks(text) and not checked.terms:
        return SummarySentence(span, (), 1.0, Verdict.NO_CLAIM), []
    support = min(check.check(piece).support for piece in _pieces(text))
    terms = [
        UnsupportedTerm(Span(*summary.source_span(start + term.span.start, start + term.span.end)), term.kind)
        for term in checked.terms
    ]
    verdict = CheckedSentence(text, support, checked.terms, checked.origin).verdict(threshold)
    return SummarySentence(span, evidence.align(text), support, verdict), terms


def _joined(text: str, sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, with preceding list numbers and following marks and citations joined to them."""
    joined: list[Sentence] = []
    for sentence in sentences:
        before = joined[-1] if joined else None
        if (
            before is not None
            and "\n" not in text[before.end : sentence.start]
            and (_LIST_NUMBER.fullmatch(before.text) or not _MARKS.sub("", sentence.text).strip(" ."))
        ):
            joined[-1] = Sentence(text[before.start : sentence.end], before.start, sentence.end)
        else:
            joined.append(sentence)
    return joined


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence, split into pieces of about equal length if it is too long."""
    words = tokens_of(sentence)
    count = max(1, -(-len(words) // _MAX_PIECE_WORDS))
    starts = [0, *(words[number * len(words) // count].start for number in range(1, count)), len(sentence)]
    for start, end in pairwise(starts):
        yield sentence[start:end]


def _windows(sentences: Sequence[Sentence]) -> Iterator[Sentence]:
    """The sentences of an article; very long ones are split into overlapping pieces."""
    for sentence in sentences:
        words = tokens_of(sentence.text)
        if len(words) <= _WINDOW_WORDS:
            yield sentence
            continue
        for first in range(0, len(words) - _WINDOW_WORDS + _WINDOW_STEP, _WINDOW_STEP):
            last = first + _WINDOW_WORDS
            start, end = words[first].start, words[last].start if last < len(words) else len(sentence.text)
            yield Sentence(sentence.text[start:end], sentence.start + start, sentence.start + end)
