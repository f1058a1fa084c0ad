"""When to try again, and when to give up, while there is no server.

Two questions decide. Has this client ever reached a server? If not, the address is probably wrong, and waiting only
hides it: a second or two is for a server that is started beside its caller. If so, the server is being restarted, and
waiting bridges the gap. gRPC's own retries could not tell the two apart, and know nothing of `RetryInfo`.
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
# A server sends a stream's headers as soon as it takes it on. One that has sent none for so long is not there, even if
# gRPC does not say so: it has been seen to wait for ever on a connection that a killed server had closed.
HEADERS_SECONDS = 30.0
# For as long, an address where nothing has ever answered is tried.
_UNREACHED_SECONDS = 1.5
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 2.0


@dataclass
class Link:
    """What a client knows of its server.

    Raises:
        ValueError: `retry_seconds` is negative or no number.
    """

    server: str
    retry_seconds: float = DEFAULT_RETRY_SECONDS
    reached: bool = False
    """Whether anything has ever answered at the address."""

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

        Never less than the server asks for by its `RetryInfo`: where that is too long to be waited for, this gives up.

        Args:
            error: what the last attempt failed with.
            now: a monotonic clock, in seconds.
            left: seconds that the caller still has.
        """
        if error.reason is not None or isinstance(error, Overloaded):  # something has answered
            self.link.reached = True
        if self.since is None:
            self.since = now
        patience = self.link.retry_seconds
        if not self.link.reached:
            patience = min(patience, _UNREACHED_SECONDS)
        backoff = min(_FIRST_DELAY_SECONDS * 2**self.attempts, _LONGEST_DELAY_SECONDS)
        # Jitter, so that all clients of a restarted server do not come back in the same instant.
        delay = backoff * random.uniform(0.8, 1.2)
        delay = max(delay, error.retry_after or 0.0)
        self.attempts += 1
        return delay if delay < min(self.since + patience - now, left) else None

    def over(self) -> None:
        """An answer has come: whatever fails next is another outage."""
        self.link.reached = True
        self.since = None
        self.attempts = 0


def not_ready(error: Unavailable, server: str, health: health_pb2.HealthCheckResponse) -> Unavailable:
    """`error` in better words, where the server's health service does answer."""
    if health.status == health.SERVING:
        return error
    return Unavailable(
        f"the server at {server} is not ready: it is loading its model or shutting down; try again later",
        request_id=error.request_id,
        retry_after=error.retry_after,
    )
