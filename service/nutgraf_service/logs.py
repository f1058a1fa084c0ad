"""Structured logs on standard error. Nothing that is logged holds text of an article."""

import atexit
import contextlib
import logging
import math
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import structlog

# Lines that wait for whoever reads the log. One is about 250 bytes.
_MOST_WAITING = 10_000
_FLUSH_SECONDS = 2.0
# What goes wrong at every call is not to be logged at every call.
_REPEAT_SECONDS = 60.0


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
    # Libraries speak up only when something is wrong.
    logging.basicConfig(level=logging.ERROR, handlers=[_Libraries()])
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_hang_up)
    logging.captureWarnings(True)
    # What Python would print of these is a traceback, with what the error says.
    threading.excepthook = lambda one: _say("a thread ended by an error", one.exc_value)
    sys.unraisablehook = lambda one: _say("an error had nobody to go to", one.exc_value)
    return writer.flush


def frames(error: BaseException) -> list[str]:
    """Where something broke, the last call last. What it says of itself is left out: messages may quote an article."""
    # The end of a file's path says which it is, and not where this installation lies.
    return [
        f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]


def _say(what: str, error: BaseException | None, **facts: object) -> None:
    if error is not None:
        facts |= {"error": type(error).__name__, "frames": frames(error)}
    structlog.get_logger("nutgraf").error(what, **facts)


class _Libraries(logging.Handler):
    """Says of other libraries' records whose they are and where something broke, once a minute for each kind of them.

    What they say is left out, and so is what an error says of itself: both may quote an article.
    """

    def __init__(self) -> None:
        super().__init__()
        # When a kind was last logged, and how many came since.
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
        _say("a library's error", record.exc_info[1] if record.exc_info else None, library=record.name, **more)


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
