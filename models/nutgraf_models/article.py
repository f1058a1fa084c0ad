"""The input of a summary."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """An article as sent. Terms may be supported by the title, which is never evidence."""

    text: str
    title: str = ""
