"""Validates requests and translates them to an `ArticleRequest` or a `CheckRequest`."""

import time

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_models.article import Article
from nutgraf_models.checks.support import OTHERS_THRESHOLD
from nutgraf_models.lengths import DEFAULT_SPECS, Length, Spec
from nutgraf_service.checker import CheckRequest
from nutgraf_service.core import ArticleRequest
from nutgraf_service.errors import ServiceError, empty_summary, empty_text
from nutgraf_service.settings import Settings

MAX_ID_CHARACTERS = 256

_LENGTHS: dict[int, Length] = {pb.SUMMARY_LENGTH_SHORT: Length.SHORT, pb.SUMMARY_LENGTH_LONG: Length.LONG}


def article_request_from(
    request: pb.SummarizeRequest, settings: Settings, deadline: float | None, *, is_stream: bool
) -> ArticleRequest:
    """Validates and translates a request. `deadline` is in `time.monotonic()` seconds.

    Raises:
        ServiceError: the request is invalid; the error names the field at fault.
    """
    article = _article(request, settings)
    return ArticleRequest(article, _specs(request), request.show_doubted, deadline, is_stream)


def check_request_from(request: pb.CheckSummaryRequest, settings: Settings, deadline: float | None) -> CheckRequest:
    """Validates and translates a request. `deadline` is in `time.monotonic()` seconds.

    Raises:
        ServiceError: the request is invalid; the error names the field at fault.
    """
    article = _article(request, settings)
    if not request.summary.strip():
        raise empty_summary()
    _check_size("SUMMARY_TOO_LONG", "summary", request.summary, settings.max_summary_characters)
    threshold = request.support_threshold if request.HasField("support_threshold") else OTHERS_THRESHOLD
    if not 0 <= threshold <= 1:  # true for NaN, too
        message = f"support_threshold is {threshold:g}; it must be between 0 and 1"
        raise ServiceError("BAD_THRESHOLD", message, field_path="support_threshold")
    return CheckRequest(article, request.summary, threshold, deadline)


def item_deadline(request: pb.SummarizeManyRequest, settings: Settings) -> float:
    """The deadline of a stream item, in `time.monotonic()` seconds.

    Raises:
        ServiceError: BAD_ID or BAD_TIMEOUT.
    """
    if len(request.id) > MAX_ID_CHARACTERS:
        message = f"the id has {len(request.id)} characters; at most {MAX_ID_CHARACTERS} are allowed"
        raise ServiceError("BAD_ID", message, field_path="id")
    if not request.HasField("item_timeout"):
        return time.monotonic() + settings.default_item_timeout
    seconds = request.item_timeout.seconds + request.item_timeout.nanos / 1e9
    if not 0 < seconds <= settings.max_item_timeout:
        message = f"the timeout is {seconds:g} s; it must be above 0 and at most {settings.max_item_timeout:g} s"
        raise ServiceError("BAD_TIMEOUT", message, field_path="item_timeout")
    return time.monotonic() + seconds


def _article(request: pb.SummarizeRequest | pb.CheckSummaryRequest, settings: Settings) -> Article:
    if not request.text.strip():
        raise empty_text()
    _check_size("TEXT_TOO_LONG", "text", request.text, settings.max_text_characters)
    _check_size("TITLE_TOO_LONG", "title", request.title, settings.max_title_characters)
    return Article(request.text, request.title)


def _check_size(reason: str, name: str, value: str, limit: int) -> None:
    if len(value) > limit:
        message = f"the {name} has {len(value)} characters; at most {limit} are allowed"
        raise ServiceError(reason, message, field_path=name, metadata={"limit": str(limit), "size": str(len(value))})


def _specs(request: pb.SummarizeRequest) -> tuple[Spec, ...]:
    specs: list[Spec] = []
    for index, summary in enumerate(request.summaries):
        where = f"summaries[{index}]"
        length = _LENGTHS.get(summary.length)
        if length is None:
            message = f"{where}.length is {summary.length}; it must be SUMMARY_LENGTH_SHORT or SUMMARY_LENGTH_LONG"
            raise ServiceError("UNKNOWN_LENGTH", message, field_path=f"{where}.length")
        if any(spec.length is length for spec in specs):
            message = f"{where}.length requests {length.name} twice; each length may be requested once"
            raise ServiceError("REPEATED_LENGTH", message, field_path=f"{where}.length")
        max_sentences = summary.max_sentences if summary.HasField("max_sentences") else None
        max_words = summary.max_words if summary.HasField("max_words") else None
        try:
            specs.append(Spec(length, max_sentences, max_words))
        except ValueError as error:
            raise ServiceError("BAD_CAP", f"{where}: {error}", field_path=f"{where}.{str(error).split()[0]}") from None
    return tuple(specs) or DEFAULT_SPECS
