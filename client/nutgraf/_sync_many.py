"""`summarize_many` for programs without asyncio.

The calling thread reads the input and yields answers. For each stream, a thread of gRPC takes requests from an outbox,
and a thread of this module puts responses into an inbox.
"""

from __future__ import annotations

import atexit
import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import grpc

from nutgraf._channel import Metadata
from nutgraf._connection import Connection
from nutgraf._error_mapping import from_rpc_error, request_id
from nutgraf._errors import NutgrafError, Unavailable
from nutgraf._ledger import Answer, Ledger, broken
from nutgraf._outage import HEADERS_SECONDS, Link
from nutgraf._requests import Article
from nutgraf.v1 import summarizer_pb2 as pb

# After the last answer, the server closes the stream. Closing it earlier would count as a cancellation there.
_GOODBYE_SECONDS = 1.0


class _Ended:
    """The last entry of the inbox."""

    def __init__(self, failure: NutgrafError) -> None:
        self.failure = failure


class _Stream:
    def __init__(self, method: Callable[..., Any], metadata: Metadata, link: Link) -> None:
        self._outbox: queue.SimpleQueue[pb.SummarizeManyRequest | None] = queue.SimpleQueue()
        self.inbox: queue.SimpleQueue[pb.SummarizeManyResponse | _Ended] = queue.SimpleQueue()
        self.request_id: str | None = None
        self._link = link
        self._call: Any = method(iter(self._outbox.get, None), metadata=metadata)
        self._receiver = threading.Thread(target=self._receive, name="nutgraf-many", daemon=True)
        self._receiver.start()
        atexit.register(self.close)

    def send(self, request: pb.SummarizeManyRequest) -> None:
        self._outbox.put(request)

    def no_more(self) -> None:
        self._outbox.put(None)

    def close(self) -> None:
        """Ends the stream and frees gRPC's call; at the latest, when the interpreter begins to exit.

        The call takes a lock when it is freed. Later during the exit, a stopped thread of gRPC could hold it forever.
        """
        atexit.unregister(self.close)
        if self._call is None:
            return
        self._call.cancel()
        self._outbox.put(None)  # gRPC's thread may be waiting for a request
        self._receiver.join()
        self._call = None

    def _receive(self) -> None:
        failure: NutgrafError = broken(self._link.server)
        is_late = threading.Event()
        patience = threading.Timer(HEADERS_SECONDS, self._give_up, [is_late])
        patience.daemon = True
        patience.start()
        try:
            metadata = self._call.initial_metadata()
            patience.cancel()
            self.request_id = request_id(metadata)
            if metadata:
                self._link.reached = True
            for response in self._call:
                self.inbox.put(response)
        except grpc.RpcError as error:
            # A stream that was given up counts as broken. gRPC would report that the caller has cancelled it.
            if not is_late.is_set():
                failure = from_rpc_error(error, server=self._link.server)
            # The error is the call itself, which its traceback would keep alive.
            error.with_traceback(None)
        finally:
            patience.cancel()
            self.inbox.put(_Ended(failure))

    def _give_up(self, is_late: threading.Event) -> None:
        is_late.set()
        if (call := self._call) is not None:
            call.cancel()


def run(
    ledger: Ledger,
    items: Iterator[str | Article],
    method: Callable[..., Any],
    metadata: Metadata,
    connection: Connection,
) -> Generator[Answer, None, None]:
    """Yields the answers to `items`, over as many streams as necessary.

    Args:
        ledger: the state of the items.
        items: the input.
        method: SummarizeMany of the stub.
        metadata: for each stream.
        connection: that of the stub.

    Raises:
        NutgrafError: the whole failed.
    """
    link = connection.link
    stream: _Stream | None = None
    more = True  # whether the input may have another item
    try:
        while True:
            while (answer := ledger.take()) is not None:
                yield answer
            if more and ledger.has_room and (stream is None or stream.inbox.empty()):
                try:
                    item = next(items)
                except StopIteration:
                    more = False
                    if stream is not None:
                        stream.no_more()
                    continue
                request = ledger.admit(item)
                if request is not None:
                    # A new stream sends all unanswered requests, and so this one.
                    if stream is None:
                        stream = _open(ledger, method, metadata, link, more)
                    else:
                        stream.send(request)
                continue
            if stream is None:
                return
            if not ledger.waiting and not more:
                _say_goodbye(stream)
                return
            event = stream.inbox.get()
            failure: NutgrafError
            if not isinstance(event, _Ended):
                ledger.receive(event, stream.request_id)
                if not ledger.all_refused:
                    continue
                failure = Unavailable(f"the server at {link.server} is shutting down", reason="DRAINING")
            else:
                failure = event.failure
            stream.close()
            stream = None
            connection.raise_if_closed()
            connection.closed.wait(ledger.stream_failed(connection.diagnose(failure)))
            connection.raise_if_closed()
            if ledger.waiting:
                stream = _open(ledger, method, metadata, link, more)
    finally:
        if stream is not None:
            stream.close()


def _open(ledger: Ledger, method: Callable[..., Any], metadata: Metadata, link: Link, more: bool) -> _Stream:
    stream = _Stream(method, metadata, link)
    for request in ledger.resend():
        stream.send(request)
    if not more:
        stream.no_more()
    return stream


def _say_goodbye(stream: _Stream) -> None:
    limit = time.monotonic() + _GOODBYE_SECONDS
    try:
        while not isinstance(stream.inbox.get(timeout=max(limit - time.monotonic(), 0)), _Ended):
            pass
    except queue.Empty:
        pass
