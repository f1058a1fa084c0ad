"""An article as a caller sends it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """An article as it was sent. The title counts as article when terms are looked up, and is never evidence."""

    text: str
    title: str = ""
