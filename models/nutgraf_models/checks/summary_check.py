"""A summary that anybody wrote, held against its article as our own are, by the weights for what others write."""

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

# The words, names and rules of the check are English.
_LANGUAGES = ("en",)
# Of a very long sentence the check looks at its first words alone: 120 of a summary's and 400 of an article's. So that
# nothing is left out, longer ones go to it in pieces. Those of an article overlap, so that what a piece of a summary
# was made from is in one of them as a whole.
_PIECE_WORDS = 120
_WINDOW_WORDS, _WINDOW_STEP = 400, 200
_LIST_NUMBER = re.compile(r"\(?\d{1,2}[.)]")
# Bullets, marks of Markdown and of citations, which say nothing and would part a sentence from its capital letter.
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

    `threshold`, 0 to 1, is the least support of a supported sentence. `count_tokens` counts those of the article, which
    are else 0. `between_steps` is called before each sentence and each longer step; what it raises ends the check.

    Raises:
        EmptyArticle: there is nothing to read in the article.
        EmptySummary: there is nothing to check in the summary.
    """
    started = time.perf_counter()
    article, own = normalize(text), clean(summary)
    # In a summary that was cut into tokens as well, numbers are in the same parts.
    if not has_numbers_in_parts(own.text):
        article = with_whole_numbers(article)
    sentences = split(article.text)
    if not sentences:
        raise EmptyArticle("the text has nothing in it to read")
    parts = _joined(own.text, split(own.text))
    if not parts:
        raise EmptySummary("the summary has nothing in it to check")
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
        sentence, found = _check(part, check, evidence, own, threshold)
        checked.append(sentence)
        terms += found
    verdicts = {one.verdict for one in checked}
    # Doubt first: one false sentence makes a summary false.
    order = (Verdict.DOUBTED, Verdict.SUPPORTED, Verdict.NO_CLAIM)
    return CheckedSummary(
        support=min(one.support for one in checked if one.support is not None),
        verdict=next(one for one in order if one in verdicts),
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
    """A sentence of a summary and its unsupported terms, both with spans in the summary as sent."""
    span = Span(*summary.source_span(part.start, part.end))
    # As long as before, so that positions stay what they are.
    plain = _MARKS.sub(lambda match: " " * len(match.group()), part.text)
    text = plain.strip()
    start = part.start + len(plain) - len(plain.lstrip())
    if claims_nothing(text):
        return SummarySentence(span, (), 1.0, Verdict.NO_CLAIM), []
    checked = check.check(text)
    # A question about somebody whom the article does not know says that there is such a one.
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
    """The sentences, each together with its number in a list and with marks and citations that follow it."""
    joined: list[Sentence] = []
    for one in sentences:
        before = joined[-1] if joined else None
        if (
            before is not None
            and "\n" not in text[before.end : one.start]
            and (_LIST_NUMBER.fullmatch(before.text) or not _MARKS.sub("", one.text).strip(" ."))
        ):
            joined[-1] = Sentence(text[before.start : one.end], before.start, one.end)
        else:
            joined.append(one)
    return joined


def _pieces(sentence: str) -> Iterator[str]:
    """The sentence, in pieces of about the same length if it has too many words."""
    words = tokens_of(sentence)
    count = max(1, -(-len(words) // _PIECE_WORDS))
    starts = [0, *(words[place * len(words) // count].start for place in range(1, count)), len(sentence)]
    for start, end in pairwise(starts):
        yield sentence[start:end]


def _windows(sentences: Sequence[Sentence]) -> Iterator[Sentence]:
    """The sentences of an article, the very long ones in pieces that overlap."""
    for one in sentences:
        words = tokens_of(one.text)
        if len(words) <= _WINDOW_WORDS:
            yield one
            continue
        for first in range(0, len(words) - _WINDOW_WORDS + _WINDOW_STEP, _WINDOW_STEP):
            last = first + _WINDOW_WORDS
            start, end = words[first].start, words[last].start if last < len(words) else len(one.text)
            yield Sentence(one.text[start:end], one.start + start, one.start + end)
