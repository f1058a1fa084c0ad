"""What the model reads at once, and what it is asked for."""

from collections.abc import Callable, Sequence

from nutgraf_models.checkpoints.card import Card, Decoding
from nutgraf_models.engines.base import Engine, Row
from nutgraf_models.lengths import Spec
from nutgraf_models.text.sentences import Sentence

# Tokens of a chunk, or half the window where that is less.
CHUNK_TOKENS = 512

_Count = Callable[[Sequence[str]], list[int]]


def row_for(card: Card, spec: Spec, article_tokens: int) -> Row:
    """The card's preset, with no more tokens than the article has: a summary is never longer."""
    preset = card.decoding.of(spec.length)
    most = max(16, min(preset.max_new_tokens, article_tokens))
    least = min(preset.min_new_tokens, most // 2)
    if spec.max_words is not None:
        least = min(least, spec.max_words // 2)
    decoding = Decoding.model_validate({**dict(preset), "max_new_tokens": most, "min_new_tokens": least})
    return Row(spec.length, decoding, spec.sentence_cap, spec.max_words)


def make_chunks(text: str, sentences: Sequence[Sentence], engine: Engine) -> list[str]:
    """Consecutive chunks of about the same number of tokens that hold all of the text; one if it fits the window.

    A chunk ends where a sentence does. A sentence of more than half a chunk is cut, between words where it has any, so
    that no chunk is longer than one and a half times its budget: three quarters of the window, which leaves room for
    what tokens differ where texts meet.
    """
    if engine.count_tokens([text])[0] <= engine.max_input_tokens:
        return [text]
    budget = min(CHUNK_TOKENS, engine.max_input_tokens // 2)
    ends = [*(sentence.start for sentence in sentences[1:]), len(text)]
    spaced = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    pieces = _cut_long(spaced, budget // 2, engine.count_tokens)
    total = sum(count for _, count in pieces)
    chunks = [""] * -(-total // budget)
    before = 0
    for piece, count in pieces:
        # A piece belongs to the chunk that its middle falls into, if the text is cut into equal lengths.
        chunks[(2 * before + count) * len(chunks) // (2 * total + 1)] += piece
        before += count
    return [chunk.strip() for chunk in chunks if chunk.strip()]


def _cut_long(texts: list[str], most: int, count_tokens: _Count) -> list[tuple[str, int]]:
    """The texts with their tokens; one of more than `most` tokens in pieces of about the same length."""
    pieces = list(zip(texts, count_tokens(texts), strict=True))
    while any(count > most and len(piece) > 1 for piece, count in pieces):
        halves = [half for piece, count in pieces for half in (_halves(piece) if count > most else (piece,))]
        pieces = list(zip(halves, count_tokens(halves), strict=True))
    return pieces


def _halves(text: str) -> tuple[str, ...]:
    """The text cut at the white space next to its middle; in its middle if it has none."""
    middle = len(text) // 2
    cut = max(text.rfind(" ", 1, middle), 0) or max(text.find(" ", middle, -1), 0) or middle
    return (text[:cut], text[cut:]) if cut else (text,)
