"""The option by which a command is told what to write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_LENGTHS = {"short": ["short"], "long": ["long"], "both": ["short", "long"]}


def lengths_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds --length, and gives the command the `lengths` that it names."""
    return click.option(
        "--length",
        "lengths",
        type=click.Choice(list(_LENGTHS)),
        default="both",
        show_default=True,
        callback=lambda _context, _option, value: _LENGTHS[value],
        help="One sentence, two to four, or both.",
    )


def option_of(lengths: list[str]) -> str:
    """The value of --length that asks for these."""
    return next((name for name, named in _LENGTHS.items() if named == lengths), " and ".join(lengths))
