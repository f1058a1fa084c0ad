"""When to try again, and when to give up, while there is no server.

Two questions decide. Has this client ever reached a server? If not, the address is probably wrong, and waiting only
hides it. If so, the server is being restarted, and waiting bridges the gap. gRPC's retries cannot tell the two apart;
they cover the first seconds of both.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nutgraf._errors import Unavailable

if TYPE_CHECKING:
    from grpc_health.v1 import health_pb2

DEFAULT_RETRY_SECONDS = 30.0
# A server sends a stream's headers as soon as it takes it on. One that has sent none for so long is not there, even if
# gRPC does not say so: it has been seen to wait for ever on a connection that a killed server had closed.
HEADERS_SECONDS = 30.0
_FIRST_DELAY_SECONDS = 0.1
_LONGEST_DELAY_SECONDS = 2.0


@dataclass
class Link:
    """What a client knows of its server."""

    server: str
    retry_seconds: float = DEFAULT_RETRY_SECONDS
    reached: bool = False
    """Whether anything has ever answered at the address."""


@dataclass
class Outage:
    """One stretch of failures without an answer in between."""

    link: Link
    since: float | None = None
    attempts: int = field(default=0)

    def delay(self, error: Unavailable, *, now: float, left: float = float("inf")) -> float | None:
        """Seconds to wait before the next attempt, or None to give up.

        Args:
            error: what the last attempt failed with.
            now: a monotonic clock, in seconds.
            left: seconds that the caller still has.
        """
        if error.reason is not None:  # a nutgraf server has said so itself
            self.link.reached = True
        if not self.link.reached:
            return None
        if self.since is None:
            self.since = now
        backoff = min(_FIRST_DELAY_SECONDS * 2**self.attempts, _LONGEST_DELAY_SECONDS)
        # Jitter, so that all clients of a restarted server do not come back in the same instant.
        delay = backoff * random.uniform(0.8, 1.2)
        if error.retry_after is not None:
            delay = max(delay, min(error.retry_after, _LONGEST_DELAY_SECONDS))
        self.attempts += 1
        return delay if delay < min(self.since + self.link.retry_seconds - now, left) else None

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
