"""Reading text files, and recognising files that are not text."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

# Maximum size of a file. Also stops reading from endless files such as /dev/zero.
MAX_BYTES = 64 << 20

_OTHER_KINDS = (
    (rb"\xff\xfe\0\0|\0\0\xfe\xff", "in UTF-32", "convert it first, for example with iconv -f UTF-32 -t UTF-8"),
    (rb"\xff\xfe|\xfe\xff", "in UTF-16", "convert it first, for example with iconv -f UTF-16 -t UTF-8"),
    (rb"\x1f\x8b", "compressed by gzip", "unpack it first, for example with gzip -dc"),
    (rb"BZh[1-9]1AY&SY", "compressed by bzip2", "unpack it first, for example with bzip2 -dc"),
    (rb"\xfd7zXZ\0", "compressed by xz", "unpack it first, for example with xz -dc"),
    (rb"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it first, for example with zstd -dc"),
    (rb"PK\x03\x04", "a ZIP archive or an office document", "save its content as plain text first"),
    (rb"%PDF-", "a PDF document", "extract its text first, for example with pdftotext"),
)


def read_text(file: str, what: str) -> str:
    """Reads the text of a file, or of standard input for "-".

    Args:
        file: the path.
        what: "article" or "summary", for messages.

    Raises:
        click.ClickException: it is empty, too large, or not UTF-8.
    """
    if file == "-" and sys.stdin.isatty():
        click.echo(f"Paste the {what}, then press Ctrl-D on a line of its own.", err=True)
    with click.open_file(file, "rb") as stream:
        return _decode(stream.read(MAX_BYTES + 1), "standard input" if file == "-" else file, what)


def read_token(path: Path) -> str:
    """Reads the token in a file.

    Raises:
        click.ClickException: as `read_text`.
    """
    with path.open("rb") as stream:
        return _decode(stream.read(MAX_BYTES + 1), str(path), "token")


def other_kind(data: bytes) -> str | None:
    """Recognises data that is not UTF-8 text by its beginning, and says how to convert it; None if it may be text."""
    for pattern, kind, remedy in _OTHER_KINDS:
        if re.match(pattern, data):
            return f"{kind}; {remedy}"
    if data.count(0) * 4 > len(data):  # in UTF-16, every Latin letter has a NUL byte
        order = "LE" if data[1::2].count(0) > data[::2].count(0) else "BE"
        return f"in UTF-16, or not text; convert it first, for example with iconv -f UTF-16{order} -t UTF-8"
    return None


def _decode(data: bytes, name: str, what: str) -> str:
    thing = f"an {what}" if what[0] in "aeiou" else f"a {what}"
    if len(data) > MAX_BYTES:
        raise click.ClickException(f"{name} is larger than {MAX_BYTES >> 20} MiB; it should contain {thing}")
    if kind := other_kind(data):
        raise click.ClickException(f"{name} is {kind}")
    try:
        # Windows tools write a byte-order mark before UTF-8, and some write two.
        text = data.decode().lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02X} at position {error.start}; "
            "convert it first, for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    if not text.strip():
        raise click.ClickException(f"{name} is empty; it should contain {thing}")
    return text
