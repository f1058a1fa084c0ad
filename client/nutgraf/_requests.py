"""Translates Python arguments to the contract's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nutgraf._enums import Length
from nutgraf._errors import InvalidArticle

if TYPE_CHECKING:
    from nutgraf.v1 import summarizer_pb2 as pb

__all__ = ["Article", "Spec", "Wanted"]

# A year. gRPC stores deadlines in nanoseconds since 1970, and treats one that overflows as passed.
MAX_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Article:
    """An article for `summarize_many`."""

    text: str
    title: str = ""
    """The headline; may be empty."""
    id: str = ""
    """Identifies the article for the caller, in `ManyResult.id`. May be empty or repeat."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One requested summary, with limits."""

    length: Length | str
    """`Length.SHORT` or "short", `Length.LONG` or "long"."""
    max_sentences: int | None = None
    """Maximum number of sentences. By default, 1 for short and 4 for long."""
    max_words: int | None = None
    """Maximum number of words; sentences are never cut. By default, the model decides."""


Wanted: TypeAlias = "Length | str | Spec | Iterable[Length | str | Spec] | None"
"""The requested summaries: a length, a `Spec`, or several of these; None for a short and a long one."""


def summarize_request(
    text: str, *, title: str = "", summaries: Wanted = None, show_doubted: bool = False
) -> pb.SummarizeRequest:
    """Makes the request to summarise one article.

    Raises:
        InvalidArticle: `text` or `title` has a lone surrogate, which UTF-8 cannot encode.
        TypeError: `text` or `title` is not a string, or `summaries` is not a `Wanted`.
        ValueError: a length does not exist, or a limit does not fit 32 bits.
    """
    from nutgraf.v1 import summarizer_pb2 as pb

    check_text("text", text)
    check_text("title", title)
    return pb.SummarizeRequest(text=text, title=title, summaries=specs(summaries), show_doubted=show_doubted)


def check_request(
    text: str, summary: str, *, title: str = "", support_threshold: float | None = None
) -> pb.CheckSummaryRequest:
    """Makes the request to check a summary against its article.

    Raises:
        InvalidArticle: `text`, `summary` or `title` has a lone surrogate, which UTF-8 cannot encode.
        TypeError: one of them is not a string, or `support_threshold` is not a number.
    """
    from nutgraf.v1 import summarizer_pb2 as pb

    check_text("text", text)
    check_text("summary", summary)
    check_text("title", title)
    return pb.CheckSummaryRequest(text=text, title=title, summary=summary, support_threshold=support_threshold)


def specs(wanted: Wanted) -> list[pb.SummarySpec]:
    """Translates `wanted` to messages of the contract; empty for the server's default.

    Raises:
        TypeError, ValueError: as `summarize_request`.
    """
    from nutgraf.v1 import summarizer_pb2 as pb

    if wanted is None:
        return []
    if isinstance(wanted, (str, Spec)):  # a Length is a str
        wanted = [wanted]
    result = []
    for item in wanted:
        spec = item if isinstance(item, Spec) else Spec(item)
        result.append(
            pb.SummarySpec(
                length=pb.SummaryLength.Value(f"SUMMARY_LENGTH_{_length(spec.length).name}"),
                max_sentences=spec.max_sentences,
                max_words=spec.max_words,
            )
        )
    if not result:
        raise ValueError("summaries is empty; request at least one, or omit the argument for a short and a long one")
    return result


def request_builder(summaries: Wanted, show_doubted: bool) -> Callable[[Article], pb.SummarizeRequest]:
    """Returns a function that makes the request for one article of a stream. Checks its arguments at once.

    Raises:
        TypeError, ValueError: as `summarize_request`.
    """
    wanted = specs(summaries)

    def build(article: Article) -> pb.SummarizeRequest:
        request = summarize_request(article.text, title=article.title, show_doubted=show_doubted)
        request.summaries.extend(wanted)
        return request

    return build


def check_text(name: str, value: object) -> None:
    """Checks that a value can be sent as a string.

    Raises:
        InvalidArticle: `value` has a lone surrogate.
        TypeError: `value` is not a string.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        problem = f"has a lone surrogate (U+{ord(value[error.start]):04X}) at position {error.start}"
        raise InvalidArticle(
            f"{name} {problem}, which is not a character and cannot be sent; it usually comes from decoding bytes with "
            "errors='surrogateescape' or from half of an emoji in JSON: decode with errors='replace' instead",
            details=((name, problem),),
        ) from None


def check_timeout(seconds: float, name: str = "timeout") -> float:
    """Returns `seconds` if it is a valid timeout.

    Raises:
        ValueError: it is not greater than 0, or exceeds `MAX_SECONDS`.
    """
    if not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"{name} must be greater than 0 and at most {MAX_SECONDS} seconds, not {seconds}")
    return seconds


def _length(value: Length | str) -> Length:
    if not isinstance(value, str):
        raise TypeError(f"a summary must be given as a length or a Spec, not as {type(value).__name__}")
    try:
        length = Length(value.lower())
    except ValueError:
        length = Length.UNKNOWN
    if length is Length.UNKNOWN:
        raise ValueError(f"{value!r} is not a length of summaries; use 'short' or 'long'")
    return length
