"""Scripts for the stub's SummarizeMany: servers that reorder, drain, refuse or count."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import grpc
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from client.stub_server import Many, abort, answer, draining, make_status
from nutgraf.v1 import summarizer_pb2 as pb

_SECONDS = 30  # timeout for events that are due at once; reached only if the client is broken

Requests = Iterator[pb.SummarizeManyRequest]
Responses = Iterator[pb.SummarizeManyResponse]


class Reader:
    """Reads a stream in its own thread, as fast as the client sends."""

    def __init__(self, requests: Requests) -> None:
        self.received = 0
        self.ended = False
        self._requests: queue.Queue[pb.SummarizeManyRequest] = queue.Queue()
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def wait_for(self, count: int) -> None:
        """Waits until `count` requests have been read or the stream has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self.received >= count or self.ended, timeout=_SECONDS)

    def next(self) -> pb.SummarizeManyRequest:
        return self._requests.get(timeout=_SECONDS)

    @property
    def unread(self) -> int:
        return self._requests.qsize()

    def _read(self, requests: Requests) -> None:
        try:
            for request in requests:
                with self._changed:
                    self._requests.put(request)
                    self.received += 1
                    self._changed.notify_all()
        except Exception:  # grpc raises it when the client disconnects
            pass
        with self._changed:
            self.ended = True
            self._changed.notify_all()


class Counting:
    """Answers an item whenever `in_flight` are unanswered, and records the largest number of unanswered items."""

    def __init__(self, in_flight: int) -> None:
        self.most_unanswered = 0
        self._in_flight = in_flight

    def __call__(self, requests: Requests, context: grpc.ServicerContext) -> Responses:
        reader = Reader(requests)
        answered = 0
        while True:
            reader.wait_for(answered + self._in_flight)
            self.most_unanswered = max(self.most_unanswered, reader.received - answered)
            if reader.ended and not reader.unread:
                return
            yield answer(reader.next())
            answered += 1


def backwards(group: int) -> Many:
    """Answers in groups of `group`, each in reverse order."""

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        reader = Reader(requests)
        answered = 0
        while True:
            reader.wait_for(answered + group)
            batch = [reader.next() for _ in range(reader.unread)]
            if not batch:
                return
            for request in reversed(batch):
                yield answer(request)
            answered += len(batch)

    return script


def dying(after: int, *, deaths: int = 1000) -> Many:
    """Answers `after` items of a stream, then aborts it with DRAINING; does so for the first `deaths` streams."""
    died = threading.Semaphore(deaths)

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        for number, request in enumerate(requests):
            if number == after and died.acquire(blocking=False):
                abort(context, draining())
            yield answer(request)

    return script


def failing(status: Status, *, times: int = 1000) -> Many:
    """Aborts the first `times` streams with a status, and answers later ones."""
    left = threading.Semaphore(times)

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        if left.acquire(blocking=False):
            abort(context, status)
        for request in requests:
            yield answer(request)

    return script


def ending(after: int) -> Many:
    """Answers `after` items of each stream, then ends it with status OK."""

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        for number, request in enumerate(requests):
            if number == after:
                return
            yield answer(request)

    return script


def refusing(every: int) -> Many:
    """In the first stream, refuses one item in `every` with UNAVAILABLE, without ending the stream."""
    first = threading.Semaphore(1)

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        refuse = first.acquire(blocking=False)
        for number, request in enumerate(requests):
            if refuse and number % every == every - 1:
                yield pb.SummarizeManyResponse(id=request.id, error=draining())
            else:
                yield answer(request)

    return script


def picky(requests: Requests, context: grpc.ServicerContext) -> Responses:
    """Answers a text that starts with "bad" with an error."""
    for request in requests:
        if request.request.text.startswith("bad"):
            status = make_status(code_pb2.INVALID_ARGUMENT, "empty", reason="EMPTY_TEXT", fields={"text": "is empty"})
            yield pb.SummarizeManyResponse(id=request.id, error=status)
        else:
            yield answer(request)
