"""The command `nutgraf` as a process, started as a shell would."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys

SECONDS = 60
# Whoever reads on and on is ended by this before the machine is.
_MOST_MEMORY = 4 << 30


def nutgraf(
    *arguments: str, redirect: str = "", stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs it to its end. Whatever happens, there is no traceback.

    Args:
        arguments: of the command.
        redirect: as in a shell, such as "<&-" for a standard input that is closed.
        stdin: what it may read otherwise.
        environment: besides this process's own.
    """
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-m", "nutgraf", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, **environment},
        preexec_fn=limit_memory,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def limit_memory() -> None:
    with contextlib.suppress(ValueError):  # less is allowed already
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


def error_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """The one line that a command which failed has written to standard error."""
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("nutgraf: error: ")
    return line.removeprefix("nutgraf: error: ")
