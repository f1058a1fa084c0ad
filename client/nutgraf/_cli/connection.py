"""The options by which every command of the client names its server."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nutgraf._sync import Client


def connection(*, timeout: float, timeout_help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --server, --timeout, --tls, --ca and --token-file, and gives the command the `client` that they make.

    Args:
        timeout: seconds where --timeout is left out.
        timeout_help: what the command means by it.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--server",
            metavar="ADDR",
            help="The server's host:port. Else $NUTGRAF_SERVER, else localhost:50051.",
        )
        @click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True),
            default=timeout,
            show_default=True,
            metavar="SECONDS",
            help=timeout_help,
        )
        @click.option("--tls", is_flag=True, help="Connect by TLS.")
        @click.option(
            "--ca",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Connect by TLS and check the server against these certificates (PEM) instead of the system's.",
        )
        @click.option(
            "--token-file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="A file with the bearer token that the server wants. Else $NUTGRAF_TOKEN.",
        )
        @functools.wraps(command)
        def connected(
            *args: Any,
            server: str | None,
            timeout: float,
            tls: bool,
            ca: Path | None,
            token_file: Path | None,
            **options: Any,
        ) -> Any:
            with _client(server, timeout, tls, ca, token_file) as client:
                return command(client, *args, **options)

        return connected

    return decorate


def _client(server: str | None, timeout: float, tls: bool, ca: Path | None, token_file: Path | None) -> Client:
    # Imported here, so that --help and wrong usage do not wait for gRPC.
    import os

    import grpc

    from nutgraf._sync import Client

    token = token_file.read_text(encoding="utf-8") if token_file else os.environ.get("NUTGRAF_TOKEN") or None
    credentials = grpc.ssl_channel_credentials(ca.read_bytes()) if ca else tls
    try:
        return Client(server, timeout=timeout, tls=credentials, token=token)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
