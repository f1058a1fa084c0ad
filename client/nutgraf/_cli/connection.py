"""The options for the server, common to all commands of the client."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nutgraf._requests import MAX_SECONDS

if TYPE_CHECKING:
    from nutgraf._sync import Client


def connection(*, timeout: float, timeout_help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --server, --timeout, --tls, --ca and --token-file, and passes the command a `client` made from them.

    Args:
        timeout: default timeout in seconds.
        timeout_help: help of --timeout.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @click.option(
            "--server",
            metavar="ADDR",
            help="Address of the server, host:port. By default, $NUTGRAF_SERVER or localhost:50051.",
        )
        @click.option(
            "--timeout",
            type=click.FloatRange(min=0, min_open=True, max=MAX_SECONDS),
            default=timeout,
            show_default=True,
            metavar="SECONDS",
            help=timeout_help,
        )
        @click.option("--tls", is_flag=True, help="Connect with TLS.")
        @click.option(
            "--ca",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Connect with TLS and trust these CA certificates (PEM) instead of the system's.",
        )
        @click.option(
            "--token-file",
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="File with the bearer token for the server. By default, $NUTGRAF_TOKEN.",
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
    # Imported here, so that --help and usage errors do not wait for gRPC.
    import os
    import warnings

    import grpc

    from nutgraf._cli.output import warn
    from nutgraf._cli.texts import read_token
    from nutgraf._sync import Client

    token = read_token(token_file) if token_file else os.environ.get("NUTGRAF_TOKEN") or None
    credentials = grpc.ssl_channel_credentials(_certificates(ca)) if ca else tls
    try:
        with warnings.catch_warnings(record=True, category=UserWarning, action="always") as caught:
            client = Client(server, timeout=timeout, tls=credentials, token=token)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    for warning in caught:
        if warning.category is UserWarning:
            warn(str(warning.message))
    return client


def _certificates(ca: Path) -> bytes:
    """Reads the file of --ca. Checks it, because gRPC gives no error for an invalid file but fails to connect."""
    import ssl

    from nutgraf._cli.texts import MAX_BYTES

    with ca.open("rb") as stream:
        pem = stream.read(MAX_BYTES)
    try:
        # Comments between the certificates may have any encoding.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        raise click.ClickException(f"{ca} contains no valid certificate; it should contain PEM certificates") from None
    return pem
