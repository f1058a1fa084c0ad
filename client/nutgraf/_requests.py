"""From Python arguments to the contract's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from nutgraf._enums import Length
from nutgraf._errors import InvalidArticle

if TYPE_CHECKING:
    from nutgraf.v1 import summarizer_pb2 as pb

__all__ = ["Article", "Spec", "Wanted"]

# A year. gRPC keeps deadlines in nanoseconds since 1970 and takes one that does not fit for one that has passed.
MOST_SECONDS = 365 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Article:
    """An article for `summarize_many`."""

    text: str
    title: str = ""
    """The headline, if there is one."""
    id: str = ""
    """The caller's own name for it; comes back in `ManyResult.id`. May be empty or repeat."""


@dataclass(frozen=True, slots=True)
class Spec:
    """One summary to be written, where its length alone does not say enough."""

    length: Length | str
    """`Length.SHORT` or "short", `Length.LONG` or "long"."""
    max_sentences: int | None = None
    """At most this many sentences; None for the server's default (1 for short, 4 for long)."""
    max_words: int | None = None
    """At most this many words, though a sentence is never cut; None for what the model does by itself."""


Wanted: TypeAlias = "Length | str | Spec | Iterable[Length | str | Spec] | None"
"""The summaries wanted: None for a short and a long one, a length, a `Spec`, or several of these."""


def summarize_request(
    text: str, *, title: str = "", summaries: Wanted = None, show_doubted: bool = False
) -> pb.SummarizeRequest:
    """The request that asks for summaries of one article.

    Raises:
        InvalidArticle: `text` or `title` has a lone surrogate, which UTF-8 cannot carry.
        TypeError: `text` or `title` is no string, or `summaries` is none of what `Wanted` names.
        ValueError: a length has a name that does not exist, or a cap does not fit 32 bits.
    """
    from nutgraf.v1 import summarizer_pb2 as pb

    check_text("text", text)
    check_text("title", title)
    return pb.SummarizeRequest(text=text, title=title, summaries=specs(summaries), show_doubted=show_doubted)


def check_request(
    text: str, summary: str, *, title: str = "", support_threshold: float | None = None
) -> pb.CheckSummaryRequest:
    """The request that has a summary checked against its article.

    Raises:
        InvalidArticle: `text`, `summary` or `title` has a lone surrogate, which UTF-8 cannot carry.
        TypeError: one of them is no string, or `support_threshold` is no number.
    """
    from nutgraf.v1 import summarizer_pb2 as pb

    check_text("text", text)
    check_text("summary", summary)
    check_text("title", title)
    return pb.CheckSummaryRequest(text=text, title=title, summary=summary, support_threshold=support_threshold)


def specs(wanted: Wanted) -> list[pb.SummarySpec]:
    """`wanted` in the contract's form; empty where the server's default is wanted.

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
        raise ValueError("summaries is empty; name at least one length, or leave it out for a short and a long one")
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
    """Refuses what cannot be sent as a string of the contract.

    Raises:
        InvalidArticle: `value` has a lone surrogate.
        TypeError: `value` is no string.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        what = f"has a lone surrogate (U+{ord(value[error.start]):04X}) at position {error.start}"
        raise InvalidArticle(
            f"{name} {what}, which is no character and cannot be sent; it usually comes from decoding bytes with "
            "errors='surrogateescape' or from half of an emoji in JSON: decode with errors='replace' instead",
            details=((name, what),),
        ) from None


def check_timeout(seconds: float, name: str = "timeout") -> float:
    """`seconds`, if it is a time that a call or an article may take.

    Raises:
        ValueError: it is not more than 0, or more than `MOST_SECONDS`.
    """
    if not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"{name} must be more than 0 and at most {MOST_SECONDS} seconds, not {seconds}")
    return seconds


def _length(value: Length | str) -> Length:
    if not isinstance(value, str):
        raise TypeError(f"a summary is asked for by its length or a Spec, not by {type(value).__name__}")
    try:
        length = Length(value.lower())
    except ValueError:
        length = Length.UNKNOWN
    if length is Length.UNKNOWN:
        raise ValueError(f"no summary has the length {value!r}; there are 'short' and 'long'")
    return length
