"""Structured logs on standard error. Nothing that is logged holds text of an article."""

import atexit
import contextlib
import logging
import queue
import sys
import threading
from collections.abc import Callable
from typing import TextIO

import structlog

# Lines that wait for whoever reads the log. One is about 250 bytes.
_MOST_WAITING = 10_000
_FLUSH_SECONDS = 2.0


def configure_logs(level: str, format: str) -> Callable[[], None]:
    """Returns what waits until all that was logged is written, for who ends the process at once."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if format == "json":
        processors += [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    writer = _Writer(sys.stderr)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=lambda *_: writer,
    )
    atexit.register(writer.flush)
    # Libraries speak up only when something is wrong. asyncio's messages may quote what a task held.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s")
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_hang_up)
    return writer.flush


class _Writer:
    """Writes lines in a thread of its own: a pipe that nobody reads any more must not stop the server.

    What is too much is dropped, and how much that was is logged when there is room again.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(_MOST_WAITING)
        self._dropped = 0
        threading.Thread(target=self._write, name="nutgraf-log", daemon=True).start()

    def info(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    debug = warning = error = critical = info

    def flush(self) -> None:
        """Waits until all is written, but not for ever."""
        written = threading.Event()
        try:
            self._lines.put(written, timeout=_FLUSH_SECONDS)
        except queue.Full:
            return
        written.wait(_FLUSH_SECONDS)

    def _write(self) -> None:
        while True:
            line = self._lines.get()
            if isinstance(line, threading.Event):
                line.set()
            else:
                # Nothing can be done where whoever read the log is gone.
                with contextlib.suppress(OSError, ValueError):
                    print(line, file=self._stream, flush=True)
            if self._dropped and self._lines.empty():
                count, self._dropped = self._dropped, 0
                structlog.get_logger("nutgraf").warning("log lines dropped", lines=count)


def _is_no_hang_up(record: logging.LogRecord) -> bool:
    """False for the traceback by which grpc.aio says that it could not send: callers hang up every day."""
    return "ExecuteBatchError raised in core" not in record.getMessage()
