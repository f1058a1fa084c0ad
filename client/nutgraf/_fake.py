"""The answers of `nutgraf.testing`."""

from __future__ import annotations

import re

from nutgraf import _convert
from nutgraf._enums import ServerState
from nutgraf._requests import Wanted, summarize_request
from nutgraf._results import Limits, Result, ServerInfo
from nutgraf.v1 import summarizer_pb2 as pb

# Good enough for texts made for tests; the server's splitter knows abbreviations.
_SENTENCE = re.compile(r"\S.*?(?:[.!?…][\"'”’)\]]*(?=\s|$)|$)", re.DOTALL)
_SENTENCES = {pb.SUMMARY_LENGTH_SHORT: 1, pb.SUMMARY_LENGTH_LONG: 3}


FAKE_INFO = ServerInfo(
    state=ServerState.SERVING,
    model="fake",
    family="lead",
    engine="none",
    precision="none",
    languages=("en",),
    version="0",
    support_threshold=0.9,
    limits=Limits(
        max_text_characters=200_000,
        max_title_characters=1_000,
        max_message_bytes=4 * 1024 * 1024,
        max_input_tokens=8_192,
        max_queued_requests=64,
        max_summary_sentences=10,
        min_summary_words=5,
        max_summary_words=500,
        max_id_characters=256,
        default_item_timeout_seconds=300.0,
        max_item_timeout_seconds=3600.0,
        max_stream_items_in_flight=32,
        max_queued_tokens=65_536,
    ),
)


def lead_result(
    article: str | pb.SummarizeRequest, *, summaries: Wanted = None, request_id: str | None = None
) -> Result:
    """The result that says an article's own first sentences.

    Args:
        article: its text.
        summaries: as in `Client.summarize`.
        request_id: what `Result.request_id` is to be.

    Raises:
        InvalidArticle, TypeError, ValueError: as `Client.summarize`.
    """
    request = article if isinstance(article, pb.SummarizeRequest) else summarize_request(article, summaries=summaries)
    text = request.text
    found = [(match.start(), match.end()) for match in _SENTENCE.finditer(text)]
    response = pb.SummarizeResponse(model="fake")
    response.article.character_count = len(text)
    response.article.input_token_count = response.article.used_token_count = len(text.split())
    response.article.chunk_count = 1
    response.article.language = "en"
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
