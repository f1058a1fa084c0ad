"""Structured logs on standard error. Nothing that is logged holds text of an article."""

import logging
import sys

import structlog


def configure_logs(level: str, format: str) -> None:
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if format == "json":
        processors += [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]
    else:
        processors.append(structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()))
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # Libraries speak up only when something is wrong. asyncio's messages may quote what a task held.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s")
    logging.getLogger("grpc._cython.cygrpc").addFilter(_is_no_hang_up)


def _is_no_hang_up(record: logging.LogRecord) -> bool:
    """False for the traceback by which grpc.aio says that it could not send: callers hang up every day."""
    return "ExecuteBatchError raised in core" not in record.getMessage()
