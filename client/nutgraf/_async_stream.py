"""One stream of `summarize_many` for asyncio.

This module works around a weakness of grpc.aio. If a message cannot be sent because the server has just ended the
stream, grpc.aio reports the made-up status INTERNAL, "Internal error from Core", and loses that of the server. Usually,
it was UNAVAILABLE, so the stream is retried. If it happens again, the next stream is a careful one. It sends one
article at a time, so that no message is being sent when the server ends the stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import grpc

from nutgraf._error_mapping import request_id
from nutgraf._outage import HEADERS_SECONDS, Link
from nutgraf.v1 import summarizer_pb2 as pb

# After the last answer, the server closes the stream. Closing it earlier would count as a cancellation there.
_GOODBYE_SECONDS = 1.0
_MADE_UP = (grpc.StatusCode.INTERNAL, "Internal error from Core")
_CAREFUL_START_SECONDS = 1.0  # time for a server to reject the stream before the first article


class Arrived(NamedTuple):
    stream: Stream
    response: pb.SummarizeManyResponse


class Ended(NamedTuple):
    stream: Stream
    error: grpc.RpcError | None


class Stream:
    """One stream of requests and responses.

    Args:
        call: starts the call, given the requests.
        resent: the requests to send first.
        careful: send these one at a time, each after the answer to the previous one.
    """

    def __init__(
        self,
        call: Callable[[AsyncIterator[pb.SummarizeManyRequest]], Any],
        resent: list[pb.SummarizeManyRequest],
        link: Link,
        inbox: asyncio.Queue[Any],
        *,
        careful: bool,
    ) -> None:
        self.request_id: str | None = None
        self.careful = careful
        self._link = link
        self._inbox = inbox
        self._outbox: asyncio.Queue[pb.SummarizeManyRequest | None] = asyncio.Queue()
        for request in resent:
            self.send(request)
        self._one_at_a_time = len(resent) if careful else 0
        self._answered = asyncio.Event()
        self._call = call(self._requests())
        self._receiver = asyncio.create_task(self._receive(), name="nutgraf-many-receive")

    def send(self, request: pb.SummarizeManyRequest) -> None:
        self._outbox.put_nowait(request)

    def no_more(self) -> None:
        self._outbox.put_nowait(None)

    async def goodbye(self) -> None:
        await asyncio.wait([self._receiver], timeout=_GOODBYE_SECONDS)

    async def close(self) -> None:
        self._receiver.cancel()
        self._call.cancel()
        self._one_at_a_time = 0
        self._answered.set()
        self._outbox.put_nowait(None)  # gRPC's own task may be waiting for a request
        await asyncio.wait([self._receiver])

    async def _requests(self) -> AsyncIterator[pb.SummarizeManyRequest]:
        if self._one_at_a_time:
            await asyncio.wait([self._receiver], timeout=_CAREFUL_START_SECONDS)
        while (request := await self._outbox.get()) is not None:
            self._answered.clear()
            yield request
            if self._one_at_a_time:
                self._one_at_a_time -= 1
                await self._answered.wait()

    async def _receive(self) -> None:
        error: grpc.RpcError | None = None
        try:
            metadata = await asyncio.wait_for(self._call.initial_metadata(), HEADERS_SECONDS)
            self.request_id = request_id(metadata)
            if metadata:
                self._link.reached = True
            async for response in self._call:
                self._answered.set()
                self._inbox.put_nowait(Arrived(self, response))
        except grpc.RpcError as caught:
            error = caught
        except TimeoutError:
            pass  # a broken stream, although gRPC does not report it
        except asyncio.CancelledError:
            # By close() here, or by the channel's: grpc.aio raises it for the latter, too. Either way the task is over.
            pass
        finally:
            self._inbox.put_nowait(Ended(self, error))


def is_made_up(error: grpc.RpcError) -> bool:
    return isinstance(error, grpc.aio.AioRpcError) and (error.code(), error.details()) == _MADE_UP
