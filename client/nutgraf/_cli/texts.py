"""Reading what a command is to work on."""

from __future__ import annotations

import sys

import click


def read_text(file: str, what: str) -> str:
    """The text of a file, or of standard input for "-".

    Args:
        file: its path.
        what: "article" or "summary", for messages.

    Raises:
        click.ClickException: it is empty or not UTF-8.
    """
    name = "standard input" if file == "-" else file
    if file == "-" and sys.stdin.isatty():
        click.echo(f"Paste the {what}, then press Ctrl-D on a line of its own.", err=True)
    with click.open_file(file, "rb") as stream:
        data: bytes = stream.read()
    try:
        # The mark that Windows puts before UTF-8 is no part of the text.
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02X} at position {error.start}; "
            "convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    if not text.strip():
        article = "an" if what[0] in "aeiou" else "a"
        raise click.ClickException(f"{name} is empty; it should hold {article} {what}")
    return text
