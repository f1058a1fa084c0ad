"""A TCP proxy on loopback that can go silent: both ends stay connected, but receive nothing."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import grpc

from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_models.engines.lead import LeadEngine
from support.server import Running, running_server, summarizer_with


class SilentProxy:
    def __init__(self, target: str) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_silent = threading.Event()
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def fall_silent(self) -> None:
        """From now on, drops all data, as if the cable had been cut."""
        self._is_silent.set()

    def close(self) -> None:
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join(10)

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, name="test-proxy", daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        host, _, port = self._target.rpartition(":")
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection((host, int(port)))
                self._sockets += [near, far]
                self._start(self._pass_on, near, far)
                self._start(self._pass_on, far, near)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if not self._is_silent.is_set():
                    sink.sendall(data)


@contextlib.contextmanager
def silent_proxy(target: str) -> Iterator[SilentProxy]:
    proxy = SilentProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()


@contextlib.contextmanager
def behind_silent_proxy(engine: LeadEngine) -> Iterator[tuple[Running, SilentProxy, SummarizerServiceStub]]:
    """A server with this engine that soon notices vanished callers, and a stub that calls it through a proxy."""
    with (
        running_server(lambda: summarizer_with(engine), keepalive=1.0, drain_grace=0.0) as running,
        silent_proxy(running.address) as proxy,
        grpc.insecure_channel(proxy.address) as channel,
    ):
        yield running, proxy, SummarizerServiceStub(channel)
