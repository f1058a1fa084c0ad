"""Unique articles, and invalid requests."""

from __future__ import annotations

import random

from soak.judge import Sent

# Names and towns for invented news; a number makes each article unique.
_SHIPS = ("Osprey", "Kittiwake", "Gannet", "Fulmar", "Puffin", "Dunlin", "Plover", "Curlew")
_PORTS = ("Marlow", "Rundvik", "Harlow", "Estrand", "Callis", "Port Amery", "Tolness", "Whitsand")
# Must not appear in any log.
CANARY = "quay-and-crane"

# A call that is retried when a server stops may still meet a full queue.
BUSY = frozenset({"QUEUE_FULL"})
LATE = frozenset({"DEADLINE_EXCEEDED", "DeadlineExceeded", "Unavailable", "QUEUE_FULL", "LOADING", "DRAINING"})


class Texts:
    """`is_lead`: the model returns an article's first sentence, so its summary is known."""

    def __init__(self, chance: random.Random, *, is_lead: bool) -> None:
        self._chance = chance
        self._is_lead = is_lead
        self._count = 0

    def article(self, kind: str, refusals: frozenset[str] = BUSY, *, paragraphs: int = 1) -> Sent:
        """An article with about 60 words per paragraph."""
        self._count += 1
        ship, port = self._chance.choice(_SHIPS), self._chance.choice(_PORTS)
        first = f"The {ship} came home to {port} on its voyage number {self._count} before the storm broke."
        rest = (
            f"Its crew of {self._chance.randint(3, 90)} was well, the harbour master of {port} said. "
            f"She had counted {self._chance.randint(100, 9000)} crates beside the {CANARY} stand. "
            "Two other ships waited outside for nine hours, since the main berth was taken. "
            "Nobody was hurt, and the goods had held. The next convoy is expected in the spring."
        )
        text = " ".join([first, *[rest] * paragraphs])
        return Sent(kind, text, first if self._is_lead else None, refusals)

    def foreign(self) -> Sent:
        number = self._count = self._count + 1
        first = f"周一，第{number}号货船在暴风雨前返回马洛港。"
        rest = "港务长表示船员平安。另外两艘船在港外等待了九个小时。没有人受伤，货物完好无损。"
        return Sent("foreign", (first + rest) * 3, None, BUSY)

    def no_article(self) -> Sent:
        """An invalid request, and the expected error reason."""
        text, reason = self._chance.choice(
            [("", "EMPTY_TEXT"), (" \n\t ", "EMPTY_TEXT"), ("word " * 40_001, "TEXT_TOO_LONG")]
        )
        return Sent("no article", text, None, frozenset({reason, *BUSY}), may_be_answered=False)
