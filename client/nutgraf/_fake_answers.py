"""The answers of `nutgraf.testing`."""

from __future__ import annotations

import re

from nutgraf import _convert
from nutgraf._enums import ServerState
from nutgraf._errors import InvalidArticle
from nutgraf._requests import Wanted, summarize_request
from nutgraf._results import CheckResult, Limits, Result, ServerInfo
from nutgraf.v1 import summarizer_pb2 as pb

# Good enough for test texts. Unlike the server's splitter, it does not handle abbreviations.
_SENTENCE = re.compile(r"\S.*?(?:[.!?…][\"'”’)\]]*(?=\s|$)|$)", re.DOTALL)
_WORD = re.compile(r"\w+")
_SENTENCES = {pb.SUMMARY_LENGTH_SHORT: 1, pb.SUMMARY_LENGTH_LONG: 3}


# A server with the lead baseline and its default settings; a test of the service compares them.
FAKE_INFO = ServerInfo(
    state=ServerState.SERVING,
    model="fake",
    family="lead",
    engine="none",
    precision="none",
    languages=("en",),
    version="0",
    support_threshold=0.9,
    check_support_threshold=0.85,
    summaries_unchecked=False,
    limits=Limits(
        max_text_characters=200_000,
        max_title_characters=1_000,
        max_message_bytes=4 * 1024 * 1024,
        max_input_tokens=1_000_000,
        max_queued_requests=64,
        max_summary_sentences=10,
        min_summary_words=5,
        max_summary_words=500,
        max_id_characters=256,
        default_item_timeout_seconds=60.0,
        max_item_timeout_seconds=3600.0,
        max_stream_items_in_flight=8,
        max_queued_tokens=65_536,
        max_summary_characters=10_000,
        max_calls=1_000,
        max_held_bytes=32 * 1024 * 1024,
    ),
)


def lead_result(
    article: str | pb.SummarizeRequest, *, summaries: Wanted = None, request_id: str | None = None
) -> Result:
    """Makes a result that consists of the first sentences of an article.

    Args:
        article: its text.
        summaries: as in `Client.summarize`.
        request_id: for `Result.request_id`.

    Raises:
        InvalidArticle, TypeError, ValueError: as `Client.summarize`.
    """
    request = article if isinstance(article, pb.SummarizeRequest) else summarize_request(article, summaries=summaries)
    text = request.text
    found = [(match.start(), match.end()) for match in _SENTENCE.finditer(text)]
    response = pb.SummarizeResponse(model="fake", article=_article_info(text), origin=pb.ORIGIN_RUN)
    for spec in request.summaries or [pb.SummarySpec(length=length) for length in _SENTENCES]:
        count = _SENTENCES[spec.length]
        if spec.length == pb.SUMMARY_LENGTH_LONG and spec.HasField("max_sentences"):
            count = spec.max_sentences
        response.summaries.append(_lead(spec.length, text, found[:count]))
    return _convert.result(response, text, request_id)


def _lead(length: pb.SummaryLength.ValueType, text: str, spans: list[tuple[int, int]]) -> pb.Summary:
    summary = pb.Summary(
        length=length,
        checks_run=[pb.CHECK_KIND_EVIDENCE, pb.CHECK_KIND_STATEMENTS],
        finish_reason=pb.FINISH_REASON_EXTRACTIVE,
    )
    for start, end in spans:
        at = len(summary.text) + 1 if summary.text else 0
        summary.text = f"{summary.text} {text[start:end]}".strip()
        sentence = summary.sentences.add(support=1.0, verdict=pb.VERDICT_SUPPORTED, from_article=True)
        sentence.span.start, sentence.span.end = at, len(summary.text)
        evidence = sentence.evidence.add(score=1.0)
        evidence.span.start, evidence.span.end = start, end
    return summary


def refuse_article(
    request: pb.SummarizeRequest | pb.CheckSummaryRequest, info: ServerInfo, request_id: str | None
) -> None:
    """Raises what a server with these limits answers to an article that it rejects.

    Raises:
        InvalidArticle: the text is empty, or the text or the title is too long.
    """
    _refuse_empty("text", request.text, request_id)
    _refuse_long("text", request.text, info.limits.max_text_characters, request_id)
    _refuse_long("title", request.title, info.limits.max_title_characters, request_id)


def _refuse_empty(name: str, text: str, request_id: str | None) -> None:
    if not text.strip():
        reason, details = f"EMPTY_{name.upper()}", ((name, "is empty"),)
        raise InvalidArticle(f"the {name} is empty", reason=reason, request_id=request_id, details=details)


def _refuse_long(name: str, text: str, limit: int, request_id: str | None) -> None:
    if len(text) > limit:
        message = f"the {name} has {len(text)} characters; at most {limit} are allowed"
        raise InvalidArticle(
            message,
            reason=f"{name.upper()}_TOO_LONG",
            request_id=request_id,
            details=((name, message),),
            limit=limit,
            size=len(text),
        )


def refuse_check(request: pb.CheckSummaryRequest, info: ServerInfo, request_id: str | None) -> None:
    """Raises what a server with these limits answers to a `CheckSummary` that it rejects.

    Raises:
        InvalidArticle: one of the texts is empty or too long, or the threshold is not between 0 and 1.
    """
    refuse_article(request, info, request_id)
    _refuse_empty("summary", request.summary, request_id)
    _refuse_long("summary", request.summary, info.limits.max_summary_characters, request_id)
    if request.HasField("support_threshold") and not 0 <= request.support_threshold <= 1:
        message = f"support_threshold is {request.support_threshold:g}; it must be from 0 to 1"
        details = (("support_threshold", message),)
        raise InvalidArticle(message, reason="BAD_THRESHOLD", request_id=request_id, details=details)


def word_check(request: pb.CheckSummaryRequest, threshold: float, request_id: str | None) -> CheckResult:
    """Makes the result of a check where support is the share of a sentence's words that are in the article.

    Args:
        request: a valid request.
        threshold: the default threshold.
        request_id: for `CheckResult.request_id`.
    """
    if not request.HasField("support_threshold"):
        request.support_threshold = threshold
    response = pb.CheckSummaryResponse(
        support=1.0,
        verdict=pb.VERDICT_NO_CLAIM,
        checks_run=[pb.CHECK_KIND_EVIDENCE, pb.CHECK_KIND_STATEMENTS],
        support_threshold=request.support_threshold,
        article=_article_info(request.text),
    )
    known = {word.casefold() for word in _WORD.findall(f"{request.title} {request.text}")}
    passages = [match.span() for match in _SENTENCE.finditer(request.text)]
    for match in _SENTENCE.finditer(request.summary):
        words = {word.casefold() for word in _WORD.findall(match.group())}
        sentence = response.sentences.add(support=1.0, verdict=pb.VERDICT_NO_CLAIM)
        sentence.span.start, sentence.span.end = match.span()
        if not words:
            continue
        sentence.support = len(words & known) / len(words)
        sentence.verdict = (
            pb.VERDICT_SUPPORTED if sentence.support >= response.support_threshold else pb.VERDICT_DOUBTED
        )
        shares = [_share(words, request.text[start:end]) for start, end in passages]
        best = max(range(len(passages)), key=lambda index: (shares[index], -index))
        if shares[best]:
            evidence = sentence.evidence.add(score=shares[best])
            evidence.span.start, evidence.span.end = passages[best]
        response.support = min(response.support, sentence.support)
        if response.verdict != pb.VERDICT_DOUBTED:
            response.verdict = sentence.verdict
    return _convert.check_result(response, request.text, request.summary, request_id)


def _share(words: set[str], passage: str) -> float:
    return len(words & {word.casefold() for word in _WORD.findall(passage)}) / len(words)


def _article_info(text: str) -> pb.ArticleInfo:
    tokens = len(text.split())
    return pb.ArticleInfo(character_count=len(text), input_token_count=tokens, chunk_count=1, language="en")
