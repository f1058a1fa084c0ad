"""Robust handling of standard input, output and error, even if the caller has closed them."""

from __future__ import annotations

import contextlib
import io
import os
import sys


def prepare() -> None:
    """Makes sure that all three streams exist, and that standard output can encode all characters.

    If a descriptor is closed, the next open file or socket would get its number, and Python sets the stream to None. So
    the null device takes its place, opened in the wrong direction, so that using it fails with EBADF as before. Output
    to standard error is lost.
    """
    for descriptor, access in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, access)  # gets the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As on standard error, a character that cannot be encoded is written as \u2713.
        sys.stdout.reconfigure(errors="backslashreplace")


def finish() -> bool:
    """Flushes standard output. Returns whether that succeeded.

    If it failed because the reader has gone or the disk is full, the rest is dropped. Otherwise, Python would report
    the error again when the process ends.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
