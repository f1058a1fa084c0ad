"""Runs the command `nutgraf` as a process, started by a shell."""

from __future__ import annotations

import os
import subprocess
import sys

SECONDS = 60
# In KiB: stops a command that reads endlessly before the machine runs out of memory.
_MAX_MEMORY = 4 << 20


def nutgraf(
    *arguments: str, redirect: str = "", limits: str = "", stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs the command to its end, and fails if it prints a traceback.

    Args:
        arguments: the command's arguments.
        redirect: a redirection in shell syntax, such as "<&-" to close standard input.
        limits: options of `ulimit`, such as "-f 2" for files of at most 1 KiB.
        stdin: the content of standard input, unless redirected.
        environment: variables in addition to this process's own.
    """
    # A shell sets the limits, not `preexec_fn`: gRPC's handlers may abort the new process after a fork.
    script = f'ulimit -v {_MAX_MEMORY}; ulimit {limits or "-v"} >/dev/null; exec "$@" {redirect}'
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "nutgraf", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, **environment},
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def error_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """The message of a failed command, which has written one line to standard error."""
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("nutgraf: error: ")
    return line.removeprefix("nutgraf: error: ")
