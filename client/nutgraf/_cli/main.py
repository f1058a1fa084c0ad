"""The command group. Expected errors are printed as one line on stderr, without a traceback."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn

import click

from nutgraf._cli import streams
from nutgraf._errors import NutgrafError

# The commands by module. `--help` reads both tables without importing the modules.
_CLIENT = {
    "summarize": ("summarize", "Summarise an article."),
    "batch": ("batch", "Summarise a file of articles, one JSON object per line."),
    "check": ("check", "Check a summary by any author."),
    "info": ("info", "Show the server's model, state and limits."),
    "health": ("health", "Exit 0 if the server can summarise now, else 1."),
}
_SERVICE = {
    "serve": "Run the service.",
    "models": "List, show and pull models.",
    "eval": "Score a model on a data set.",
    "train": "Make training pairs, and train an adapter on them.",
}
_ENTRY_POINTS = "nutgraf.commands"


class Failure(click.ClickException):
    """An expected error."""

    def show(self, file: Any = None) -> None:
        """Prints the message to stderr."""
        click.echo(f"nutgraf: error: {self.format_message()}", err=True)


class Group(click.Group):
    """Imports a command only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, including those of the service even if it is not installed."""
        return [*_CLIENT, *_SERVICE, *sorted(set(_entry_points()) - set(_CLIENT) - set(_SERVICE))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports and returns a command."""
        if cmd_name in _CLIENT:
            module = importlib.import_module(f"nutgraf._cli.{_CLIENT[cmd_name][0]}")
            command: click.Command = getattr(module, cmd_name)
            return command
        entry_point = _entry_points().get(cmd_name)
        if entry_point is None:
            return _missing(cmd_name) if cmd_name in _SERVICE else None
        try:
            loaded: click.Command = entry_point.load()
        except ModuleNotFoundError as error:
            return _missing(cmd_name, error)
        return loaded

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from the tables above, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _summary(name)) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command and turns expected errors into a `Failure`."""
        try:
            return super().invoke(ctx)
        except (click.UsageError, Failure):
            raise
        except click.ClickException as error:
            raise Failure(error.format_message()) from None
        except NutgrafError as error:
            named = f" (request id {error.request_id})" if error.request_id else ""
            raise Failure(f"{error}{named}") from None
        except ModuleNotFoundError as error:
            if ctx.invoked_subcommand in _CLIENT:
                raise
            _need_server(str(ctx.invoked_subcommand), error)
        except OSError as error:
            raise _failure(error) from None


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from nutgraf._version import version

        click.echo(f"nutgraf {version()}")
        ctx.exit()


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-V",
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Short and long summaries of news articles, each sentence tied to the passages that support it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script. Exits 0, 1 for errors, 2 for wrong usage, 130 for Ctrl-C."""
    streams.prepare()
    code = _run(arguments)
    sys.exit(code if streams.finish() else code or 1)


def _run(arguments: Sequence[str] | None) -> int:
    # gRPC's own log lines (a lost connection, a missing health service) only repeat our errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        try:
            code = cli.main(arguments, prog_name="nutgraf", standalone_mode=False)
        except OSError as error:  # in --help and --version
            raise _failure(error) from None
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        with contextlib.suppress(OSError):  # standard error is closed or full
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        return 1  # the reader (`head`, a pager) has closed the pipe


def _failure(error: OSError) -> Failure:
    """Describes the error. Raises it again if it is a broken pipe, which needs no message."""
    if error.errno == errno.EPIPE:
        raise error
    if error.errno == errno.EBADF:
        return Failure("standard input or output is closed")
    return Failure(f"{error.filename}: {error.strerror or error}" if error.filename else error.strerror or str(error))


def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {entry_point.name: entry_point for entry_point in metadata.entry_points(group=_ENTRY_POINTS)}


def _summary(name: str) -> str:
    return _CLIENT[name][1] if name in _CLIENT else _SERVICE.get(name, "")


def _missing(name: str, cause: ModuleNotFoundError | None = None) -> click.Command:
    def fail() -> NoReturn:
        _need_server(name, cause)

    return click.Command(
        name,
        callback=fail,
        help=_summary(name),
        add_help_option=False,
        # Accepts any options, so that the error says that the command is missing.
        params=[click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED, expose_value=False)],
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
    )


def _need_server(name: str, cause: ModuleNotFoundError | None) -> NoReturn:
    details = f" ({cause})" if cause is not None else ""
    raise Failure(f'"nutgraf {name}" requires the server: pip install nutgraf-server{details}')
