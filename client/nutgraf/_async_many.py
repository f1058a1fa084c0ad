"""`summarize_many` for asyncio.

One task reads the input, and one per stream receives responses; both put their results into one inbox. The caller's own
task processes the inbox and yields answers. Only that task uses the ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import Any, NamedTuple

from nutgraf._async_connection import AsyncConnection
from nutgraf._async_stream import Arrived, Ended, Stream, is_made_up
from nutgraf._channel import Metadata
from nutgraf._error_mapping import from_rpc_error
from nutgraf._errors import NutgrafError, Overloaded, Unavailable
from nutgraf._ledger import Answer, Ledger, broken
from nutgraf._requests import Article
from nutgraf.v1 import summarizer_pb2_grpc as pb_grpc

_CAREFUL_AFTER = 2  # consecutive streams whose status was lost


class _Item(NamedTuple):
    item: str | Article


class _InputEnded(NamedTuple):
    error: Exception | None


_Inbox = asyncio.Queue[_Item | _InputEnded | Arrived | Ended]


class Run:
    """One `summarize_many`.

    Args:
        ledger: the state of the items.
        items: the input.
        metadata: for each stream.
        connection: to the server.
    """

    def __init__(
        self,
        ledger: Ledger,
        items: Iterable[str | Article] | AsyncIterable[str | Article],
        metadata: Metadata,
        connection: AsyncConnection,
    ) -> None:
        self._ledger = ledger
        self._items = items if isinstance(items, AsyncIterable) else each(iter(items))
        self._metadata = metadata
        self._connection = connection
        self._link = connection.link
        self._stream: Stream | None = None
        self._lost_statuses = 0
        self._more = True  # whether the input may have another item
        self._inbox: _Inbox = asyncio.Queue()
        self._wanted = asyncio.Event()  # set while the reader may take one item from the input

    async def answers(self) -> AsyncGenerator[Answer, None]:
        """Yields the answers to the input, over as many streams as necessary.

        Raises:
            NutgrafError: the whole failed.
        """
        reader = asyncio.create_task(self._read(), name="nutgraf-many-read")
        asked = False
        try:
            while True:
                while (answer := self._ledger.take()) is not None:
                    yield answer
                if self._more and not asked and self._ledger.has_room:
                    asked = True
                    self._wanted.set()
                if not self._more and not self._ledger.waiting:
                    if self._stream is not None:
                        await self._stream.goodbye()
                    return
                event = await self._inbox.get()
                if isinstance(event, _Item):
                    asked = False
                    self._admit(event.item)
                elif isinstance(event, _InputEnded):
                    if event.error is not None:
                        raise event.error
                    self._more = False
                    if self._stream is not None:
                        self._stream.no_more()
                elif event.stream is self._stream:
                    await self._arrived(event)
        finally:
            reader.cancel()
            if self._stream is not None:
                await self._stream.close()
            await asyncio.wait([reader])

    def _admit(self, item: str | Article) -> None:
        request = self._ledger.admit(item)
        if request is None:
            return
        if self._stream is None:
            self._open()  # sends all unanswered requests, and so this one
        else:
            self._stream.send(request)

    async def _arrived(self, event: Arrived | Ended) -> None:
        stream = event.stream
        failure: NutgrafError
        untold = lost = False  # whether the stream ended without a status, and whether that is because gRPC lost it
        if isinstance(event, Arrived):
            self._ledger.receive(event.response, stream.request_id)
            if not self._ledger.all_refused:
                return
            failure = Unavailable(f"the server at {self._link.server} is shutting down", reason="DRAINING")
        elif event.error is None:
            failure, untold = broken(self._link.server), True
        elif is_made_up(event.error):
            failure, untold, lost = broken(self._link.server), True, True
        else:
            failure = from_rpc_error(event.error, server=self._link.server)
        self._lost_statuses = self._lost_statuses + 1 if lost else 0
        self._stream = None
        await stream.close()
        self._connection.raise_if_closed()
        try:
            delay = self._ledger.stream_failed(await self._connection.diagnose(failure))
        except (Unavailable, Overloaded):
            if not untold or stream.careful:
                raise
            # One more attempt, whose status cannot get lost, so that the error tells why the server rejects the stream.
            self._lost_statuses = _CAREFUL_AFTER
        else:
            await asyncio.sleep(delay)
        if self._ledger.waiting:
            self._open()

    def _open(self) -> None:
        stub: Any = pb_grpc.SummarizerServiceStub(self._connection.channel())
        self._stream = Stream(
            lambda requests: self._connection.track(stub.SummarizeMany(requests, metadata=self._metadata)),
            self._ledger.resend(),
            self._link,
            self._inbox,
            careful=self._lost_statuses >= _CAREFUL_AFTER,
        )
        if not self._more:
            self._stream.no_more()

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            items = aiter(self._items)
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                self._inbox.put_nowait(_Item(await anext(items)))
        except StopAsyncIteration:
            pass
        except Exception as caught:  # raised by the input; passed on to the caller's task
            error = caught
        self._inbox.put_nowait(_InputEnded(error))


async def each(items: Iterable[str | Article]) -> AsyncIterator[str | Article]:
    """Converts an iterable to an async one."""
    for item in items:
        yield item
