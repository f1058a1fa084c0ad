"""Which part of an article the model reads."""

import itertools
from dataclasses import dataclass

from nutgraf_models.engines.base import Engine
from nutgraf_models.sentences import Sentence


@dataclass(frozen=True)
class Plan:
    """The stretch of the article that the model reads, and how it compares with the whole, in the model's tokens."""

    text: str
    input_tokens: int
    used_tokens: int

    @property
    def is_truncated(self) -> bool:
        return self.used_tokens < self.input_tokens


def make_plan(text: str, sentences: list[Sentence], engine: Engine) -> Plan:
    """As many whole leading sentences as fit the engine's window; the whole article where it fits.

    Only if not even the first sentence fits is a sentence cut, between words where it has any.
    """
    room = engine.max_input_tokens
    total = engine.count_tokens([text])[0]
    if total <= room:
        return Plan(text, total, total)
    counts = engine.count_tokens([sentence.text for sentence in sentences])
    fitting = sum(running <= room for running in itertools.accumulate(counts))
    # The tokens of a text are not quite the sum of its sentences' tokens.
    while fitting:
        leading = text[: sentences[fitting - 1].end]
        used = engine.count_tokens([leading])[0]
        if used <= room:
            return Plan(leading, total, used)
        fitting -= 1
    leading = _leading_words(sentences[0].text, engine)
    return Plan(leading, total, engine.count_tokens([leading])[0])


def _leading_words(sentence: str, engine: Engine) -> str:
    low, high = 1, len(sentence)
    while low < high:
        middle = (low + high + 1) // 2
        if engine.count_tokens([sentence[:middle]])[0] <= engine.max_input_tokens:
            low = middle
        else:
            high = middle - 1
    leading = sentence[:low]
    if not sentence[low : low + 1].isspace() and " " in leading:
        leading = leading[: leading.rindex(" ")]
    return leading.rstrip() or sentence[:low]
