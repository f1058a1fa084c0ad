"""When to retry, and when to give up, while the server is unavailable.

If this client has never reached the server, the address is probably wrong. It retries for only a second or two, which
is enough for a server that starts at the same time as its caller. If it has reached the server before, the server is
probably restarting, and the client retries for longer. gRPC's own retries cannot tell the two cases apart, and ignore
`RetryInfo`.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nutgraf._errors import NutgrafError, Overloaded, Unavailable

if TYPE_CHECKING:
    from grpc_health.v1 import health_pb2

DEFAULT_RETRY_SECONDS = 30.0
# A server sends the headers of a stream immediately. If none arrive within this time, the stream is dead, although gRPC
# does not always report it: it was seen to wait indefinitely on a connection that a killed server had closed.
HEADERS_SECONDS = 30.0
# How long to retry an address that has never answered.
_UNREACHED_SECONDS = 1.5
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 2.0


@dataclass
class Link:
    """The state of a client's link to its server.

    Raises:
        ValueError: `retry_seconds` is negative or not a number.
    """

    server: str
    retry_seconds: float = DEFAULT_RETRY_SECONDS
    reached: bool = False
    """Whether a server has ever answered at the address."""

    def __post_init__(self) -> None:
        if not self.retry_seconds >= 0:
            raise ValueError(f"retry_seconds must be 0 or more, not {self.retry_seconds}")


@dataclass
class Outage:
    """Consecutive failures without an answer in between.

    Args:
        link: to the server that fails.
        retry_on: the errors after which another attempt may help. The caller of a unary call handles `Overloaded`.
    """

    link: Link
    retry_on: tuple[type[Unavailable | Overloaded], ...] = (Unavailable,)
    since: float | None = None
    attempts: int = field(default=0)

    def delay_or_raise(self, error: NutgrafError, *, deadline: float = float("inf")) -> float:
        """Seconds to wait before the next attempt.

        Args:
            error: what the last attempt failed with.
            deadline: of the caller, on the monotonic clock.

        Raises:
            NutgrafError: `error`, if another attempt cannot help or would come too late.
        """
        if not isinstance(error, self.retry_on):
            self.link.reached |= error.reason is not None
            raise error
        now = time.monotonic()
        delay = self.delay(error, now=now, left=deadline - now)
        if delay is None:
            raise error
        return delay

    def delay(self, error: Unavailable | Overloaded, *, now: float, left: float = float("inf")) -> float | None:
        """Seconds to wait before the next attempt, or None to give up.

        Never shorter than the server's `RetryInfo`; gives up if that is too long.

        Args:
            error: what the last attempt failed with.
            now: a monotonic clock, in seconds.
            left: seconds until the caller's deadline.
        """
        if error.reason is not None or isinstance(error, Overloaded):  # a server has answered
            self.link.reached = True
        if self.since is None:
            self.since = now
        patience = self.link.retry_seconds
        if not self.link.reached:
            patience = min(patience, _UNREACHED_SECONDS)
        backoff = min(_FIRST_DELAY_SECONDS * 2**self.attempts, _LONGEST_DELAY_SECONDS)
        # Jitter, so that the clients of a restarted server do not all return at the same time.
        delay = backoff * random.uniform(0.8, 1.2)
        delay = max(delay, error.retry_after or 0.0)
        self.attempts += 1
        return delay if delay < min(self.since + patience - now, left) else None

    def over(self) -> None:
        """Ends the outage, after an answer has arrived."""
        self.link.reached = True
        self.since = None
        self.attempts = 0


def not_ready(error: Unavailable, server: str, health: health_pb2.HealthCheckResponse) -> Unavailable:
    """Returns a clearer error if the health service answers, but not with SERVING."""
    if health.status == health.SERVING:
        return error
    return Unavailable(
        f"the server at {server} is not ready: it is loading its model or shutting down; try again later",
        request_id=error.request_id,
        retry_after=error.retry_after,
    )
