"""The command `nutgraf` as a process, started as a shell would."""

from __future__ import annotations

import os
import subprocess
import sys

SECONDS = 60
# In KiB: whoever reads on and on is ended by this before the machine is.
_MOST_MEMORY = 4 << 20


def nutgraf(
    *arguments: str, redirect: str = "", limits: str = "", stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Runs it to its end. Whatever happens, there is no traceback.

    Args:
        arguments: of the command.
        redirect: as in a shell, such as "<&-" for a standard input that is closed.
        limits: of ulimit, such as "-f 2" for files of at most 1 KiB.
        stdin: what it may read otherwise.
        environment: besides this process's own.
    """
    # By a shell, and not by `preexec_fn`: what gRPC does after a fork may abort the new process.
    script = f'ulimit -v {_MOST_MEMORY}; ulimit {limits or "-v"} >/dev/null; exec "$@" {redirect}'
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
    """The one line that a command which failed has written to standard error."""
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("nutgraf: error: ")
    return line.removeprefix("nutgraf: error: ")
