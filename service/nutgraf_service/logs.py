"""Structured logs on standard error. Log entries never contain article text.

Logging never blocks: 10,000 lines are buffered; excess lines are dropped and counted.
"""

import atexit
import contextlib
import logging
import math
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import TextIO

import structlog

from nutgraf_models.errors import frames

# A line has about 250 bytes.
_BUFFERED_LINES = 10_000
_FLUSH_SECONDS = 2.0
# A library's error that happens at every call is logged once per period.
_REPEAT_SECONDS = 60.0


def configure_logs(level: str, format: str) -> Callable[[], None]:
    """Sets up logging. Returns a function that flushes the buffer, for use before `os._exit`."""
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
    # Libraries log only errors.
    logging.basicConfig(level=logging.ERROR, handlers=[_Libraries()])
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_hang_up)
    logging.captureWarnings(True)
    # Python would print a traceback with the error's message, which may quote an article.
    threading.excepthook = lambda args: _log_error("uncaught error in a thread", args.exc_value)
    sys.unraisablehook = lambda args: _log_error("unraisable error", args.exc_value)
    return writer.flush


def _log_error(message: str, error: BaseException | None, **log_fields: object) -> None:
    if error is not None:
        log_fields |= {"error": type(error).__name__, "frames": frames(error)}
    structlog.get_logger("nutgraf").error(message, **log_fields)


class _Libraries(logging.Handler):
    """Logs other libraries' records by library and stack frames, once per minute for each source line.

    Leaves out the messages of records and errors, which may quote an article.
    """

    def __init__(self) -> None:
        super().__init__()
        # By source line: when it was last logged, and how many records have come since.
        self._seen: dict[tuple[str, str, int], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        kind = (record.name, record.pathname, record.lineno)
        now = time.monotonic()
        logged, since = self._seen.get(kind, (-math.inf, 0))
        if now - logged < _REPEAT_SECONDS:
            self._seen[kind] = logged, since + 1
            return
        self._seen[kind] = now, 0
        more = {"repeated": since} if since else {}
        _log_error("a library's error", record.exc_info[1] if record.exc_info else None, library=record.name, **more)


class _Writer:
    """Writes lines in a thread of its own, so that a pipe without a reader cannot block the server.

    Drops lines when the buffer is full, and logs their number when there is room again.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | threading.Event] = queue.Queue(_BUFFERED_LINES)
        self._dropped = 0
        threading.Thread(target=self._write, name="nutgraf-log", daemon=True).start()

    def info(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    debug = warning = error = critical = info

    def flush(self) -> None:
        """Waits until all lines are written, for a limited time."""
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
                # If the reader of the log is gone, lines are lost.
                with contextlib.suppress(OSError, ValueError):
                    print(line, file=self._stream, flush=True)
            if self._dropped and self._lines.empty():
                count, self._dropped = self._dropped, 0
                structlog.get_logger("nutgraf").warning("log lines dropped", lines=count)


def _is_no_hang_up(record: logging.LogRecord) -> bool:
    """False for grpc.aio's traceback about an answer that it could not send. Callers hang up all the time."""
    return "ExecuteBatchError raised in core" not in record.getMessage()
