"""A DNS server on loopback for one name, whose addresses a test can change."""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

_A, _IN, _NAME_AT_12, _TTL_SECONDS = 1, 1, 0xC00C, 0
_RESPONSE_RECURSION_AVAILABLE = 0x8180


class Names:
    """Answers every IPv4 query with `addresses`, and every other query with no records."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def serve(self) -> None:
        while True:
            question, caller = self._socket.recvfrom(512)
            if not question:
                self._socket.close()
                return
            self._socket.sendto(self._answer(question), caller)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))

    def _answer(self, message: bytes) -> bytes:
        # RFC 1035, 4.1: the header, the question unchanged, then a record per address.
        end = message.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", message[end - 4 : end - 2])
        addresses = self.addresses if kind == _A else []
        header = message[:2] + struct.pack("!HHHHH", _RESPONSE_RECURSION_AVAILABLE, 1, len(addresses), 0, 0)
        record = struct.pack("!HHHIH", _NAME_AT_12, _A, _IN, _TTL_SECONDS, 4)
        return header + message[12:end] + b"".join(record + socket.inet_aton(address) for address in addresses)


@contextlib.contextmanager
def running_names(*addresses: str) -> Iterator[Names]:
    names = Names(list(addresses))
    thread = threading.Thread(target=names.serve, name="test-names")
    thread.start()
    try:
        yield names
    finally:
        names.stop()
        thread.join()
