"""Scripts for the stub's SummarizeMany: servers that reorder, die, refuse or count."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import grpc
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from client.stub_server import Many, abort, answer, draining, make_status
from nutgraf.v1 import summarizer_pb2 as pb

_SECONDS = 30  # for what should come at once; only a broken client waits so long

Requests = Iterator[pb.SummarizeManyRequest]
Responses = Iterator[pb.SummarizeManyResponse]


class Reader:
    """Reads a stream in a thread of its own, as far as the client sends."""

    def __init__(self, requests: Requests) -> None:
        self.received = 0
        self.ended = False
        self._requests: queue.Queue[pb.SummarizeManyRequest] = queue.Queue()
        self._changed = threading.Condition()
        threading.Thread(target=self._read, args=(requests,), daemon=True).start()

    def wait_for(self, count: int) -> None:
        """Waits until so many requests were read or the client has no more."""
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
        except Exception:  # grpc's, when the client is gone
            pass
        with self._changed:
            self.ended = True
            self._changed.notify_all()


class Counting:
    """Answers one item whenever the client has sent as much as it will, and notes how much that was."""

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
    """Answers in groups, the last of each first."""

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
    """Answers so many items of a stream and then drains, the first `deaths` times."""
    died = threading.Semaphore(deaths)

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        for number, request in enumerate(requests):
            if number == after and died.acquire(blocking=False):
                abort(context, draining())
            yield answer(request)

    return script


def failing(status: Status, *, times: int = 1000) -> Many:
    """Refuses streams as such, so many times, and answers the next."""
    left = threading.Semaphore(times)

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        if left.acquire(blocking=False):
            abort(context, status)
        for request in requests:
            yield answer(request)

    return script


def ending(after: int) -> Many:
    """Answers so many items of a stream and then ends it as if all were well."""

    def script(requests: Requests, context: grpc.ServicerContext) -> Responses:
        for number, request in enumerate(requests):
            if number == after:
                return
            yield answer(request)

    return script


def refusing(every: int) -> Many:
    """Refuses every so manieth text of the first stream by UNAVAILABLE, without ending the stream."""
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
    """Answers texts that start with "bad" by an error."""
    for request in requests:
        if request.request.text.startswith("bad"):
            status = make_status(code_pb2.INVALID_ARGUMENT, "empty", reason="EMPTY_TEXT", fields={"text": "is empty"})
            yield pb.SummarizeManyResponse(id=request.id, error=status)
        else:
            yield answer(request)
