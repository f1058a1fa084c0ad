"""The input of a summary."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """An article as sent. The title shows the main point and may support terms; it is never evidence."""

    text: str
    title: str = ""
