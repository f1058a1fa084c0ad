"""`nutgraf health`, for probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nutgraf._cli.connection import connection

if TYPE_CHECKING:
    from nutgraf._sync import Client


@click.command()
@connection(timeout=5.0, timeout_help="Timeout of the call.")
def health(client: Client) -> None:
    """Exit with status 0 if the server can summarise now, and 1 if it is loading, shutting down or unreachable."""
    serving = client.check_health()
    click.echo("serving" if serving else "not serving")
    if not serving:
        click.get_current_context().exit(1)
