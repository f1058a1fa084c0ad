"""The option --length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_LENGTHS = {"short": ["short"], "long": ["long"], "both": ["short", "long"]}


def lengths_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --length and passes the command a list of `lengths`."""
    return click.option(
        "--length",
        "lengths",
        type=click.Choice(list(_LENGTHS)),
        default="both",
        show_default=True,
        callback=lambda _context, _option, value: _LENGTHS[value],
        help="short: one sentence; long: two to four.",
    )


def option_of(lengths: list[str]) -> str:
    """The value of --length for a list of lengths."""
    return next((name for name, named in _LENGTHS.items() if named == lengths), " and ".join(lengths))
