"""`nutgraf info`."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from nutgraf._cli.connection import connection

if TYPE_CHECKING:
    from nutgraf._results import ServerInfo
    from nutgraf._sync import Client


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the whole response as JSON.")
@connection(timeout=10.0, timeout_help="Timeout of the call.")
def info(client: Client, as_json: bool) -> None:
    """Show the server's model, state, and all limits that can make a call fail."""
    from nutgraf import _convert
    from nutgraf._cli.output import print_json

    response = client._server_info()
    if as_json:
        print_json(response)
        return
    rows = _rows(client.server, _convert.server_info(response))
    if not sys.stdout.isatty():
        for name, value in rows:
            click.echo(f"{name}: {value}")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None)
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    Console(highlight=False).print(table)


def _rows(server: str, info: ServerInfo) -> list[tuple[str, str]]:
    values = {"server": server, **_fields(info), **_fields(info.limits)}
    values.pop("limits")
    return [(name.replace("_", " "), value) for name, value in values.items()]


def _fields(data: object) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in dataclasses.fields(data):  # type: ignore[arg-type]
        value = getattr(data, field.name)
        if isinstance(value, tuple):
            value = ", ".join(value)
        elif isinstance(value, float):
            value = f"{value:g}"
        elif isinstance(value, int):
            value = f"{value:,}" if value else "-"
        found[field.name] = str(value) or "-"
    return found
