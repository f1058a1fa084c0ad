"""Standard input, output and error, in whatever state the caller has left them."""

from __future__ import annotations

import contextlib
import io
import os
import sys


def prepare() -> None:
    """Makes sure that all three are there, and that what is written to standard output can be.

    A descriptor that is closed would be given to the next file or socket that is opened, and Python has None for its
    stream. The null device takes its place, opened the wrong way round, so that reading or writing is an error as it
    would be, EBADF; what goes to standard error is lost.
    """
    for descriptor, access in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, access)  # the lowest number that is free: this one
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        # As on standard error: a character that its encoding lacks is written as \u2713.
        sys.stdout.reconfigure(errors="backslashreplace")


def finish() -> bool:
    """Writes out what standard output still holds; returns whether that went well.

    What cannot be written, because the reader has enough or the disk is full, is dropped: Python would complain of it
    once more when the process ends.
    """
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
