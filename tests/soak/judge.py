"""Records the outcome of every request: answered, refused, or given up by the caller. None may be lost or wrong."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from nutgraf import NutgrafError, Result

_SHOWN = 10


@dataclass(frozen=True)
class Sent:
    """A request, with its permitted outcomes.

    `expected`: the text of its SHORT; if None, only its evidence is checked.
    `refusals`: the permitted error reasons or kinds.
    """

    kind: str
    text: str = ""
    expected: str | None = None
    refusals: frozenset[str] = frozenset()
    may_be_answered: bool = True


@dataclass
class Judge:
    """Records an outcome for every request. Thread-safe."""

    sent: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _open: dict[int, Sent] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, sent: Sent) -> int:
        """The number of a new request, for recording its outcome."""
        with self._lock:
            number = self.sent.total()
            self.sent[sent.kind] += 1
            self._open[number] = sent
            return number

    def answer(self, number: int, result: Result) -> None:
        sent = self._close(number, "an answer")
        if sent is None:
            return
        self.answered[sent.kind] += 1
        if not sent.may_be_answered:
            self._say(f"{sent.kind}: answered instead of refused with {sorted(sent.refusals)}")
        elif sent.expected is not None and result.summaries[0].text != sent.expected:
            self._say(f"{sent.kind}: {result.summaries[0].text!r} instead of {sent.expected!r}")
        elif not _is_of(result, sent.text):
            self._say(f"{sent.kind}: an answer to another article")

    def refuse(self, number: int, error: NutgrafError) -> None:
        sent = self._close(number, "an error")
        if sent is None:
            return
        reason = error.reason or type(error).__name__
        self.refused[sent.kind, reason] += 1
        if reason not in sent.refusals:
            self._say(f"{sent.kind}: refused with {reason}: {error}")

    def give_up(self, number: int) -> None:
        """The caller gave up: it cancelled, or its connection closed."""
        sent = self._close(number, "being given up")
        if sent is not None:
            self.given_up[sent.kind] += 1

    def complain(self, message: str) -> None:
        """Records any other error."""
        with self._lock:
            self._say(message)

    def lost(self) -> Counter[str]:
        """The number of requests without an outcome, by kind."""
        with self._lock:
            return Counter(sent.kind for sent in self._open.values())

    def report(self) -> str:
        lost = self.lost()
        lines = [f"{'':22}{'sent':>8}{'answered':>10}{'refused':>9}{'given up':>10}{'lost':>6}"]
        for kind, count in sorted(self.sent.items()):
            refused = sum(times for (refused_kind, _), times in self.refused.items() if refused_kind == kind)
            counts = f"{count:8}{self.answered[kind]:10}{refused:9}{self.given_up[kind]:10}{lost[kind]:6}"
            lines.append(f"{kind:22}{counts}")
        totals = f"{self.sent.total():8}{self.answered.total():10}{self.refused.total():9}{self.given_up.total():10}"
        lines.append(f"{'together':22}{totals}{lost.total():6}")
        lines += ["", *(f"{kind:22}{reason:30}{times:6}" for (kind, reason), times in sorted(self.refused.items()))]
        lines += ["", f"lost {lost.total()}, wrong {len(self.wrong)}", *self.wrong[:_SHOWN]]
        return "\n".join(lines)

    def _close(self, number: int, by: str) -> Sent | None:
        with self._lock:
            sent = self._open.pop(number, None)
            if sent is None:
                self._say(f"{by} for a request that already has an outcome or was not sent")
            return sent

    def _say(self, message: str) -> None:
        self.wrong.append(message)


def _is_of(result: Result, text: str) -> bool:
    """Whether an answer belongs to this text: evidence and character count match."""
    sources = [source for summary in result.summaries for sentence in summary.sentences for source in sentence.sources]
    return result.article.character_count == len(text) and all(
        text[source.start : source.end] == source.text for source in sources
    )
