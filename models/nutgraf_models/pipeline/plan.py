"""Generation requests: the chunks of a long article, and the decoding parameters of each summary."""

from collections.abc import Callable, Sequence

from nutgraf_models.checkpoints.card import Card, Decoding
from nutgraf_models.engines.base import Engine, Row
from nutgraf_models.lengths import Spec
from nutgraf_models.text.sentences import Sentence

# Tokens per chunk; half the context window if that is less.
CHUNK_TOKENS = 512

_Count = Callable[[Sequence[str]], list[int]]


def row_for(card: Card, spec: Spec, article_tokens: int) -> Row:
    """The card's decoding preset, limited to the article's token count: a summary is never longer."""
    preset = card.decoding.of(spec.length)
    max_new_tokens = max(16, min(preset.max_new_tokens, article_tokens))
    min_new_tokens = min(preset.min_new_tokens, max_new_tokens // 2)
    if spec.max_words is not None:
        min_new_tokens = min(min_new_tokens, spec.max_words // 2)
    limits = {"max_new_tokens": max_new_tokens, "min_new_tokens": min_new_tokens}
    decoding = Decoding.model_validate({**dict(preset), **limits})
    return Row(spec.length, decoding, spec.sentence_cap, spec.max_words)


def make_chunks(text: str, sentences: Sequence[Sentence], engine: Engine) -> list[str]:
    """Splits a text, from the first of its `sentences` on, into consecutive chunks of about equal token counts; one
    chunk if it fits the window.

    Chunks end at sentence boundaries. A sentence longer than half a chunk is cut, between words if possible, so that no
    chunk exceeds 1.5 times its budget: three quarters of the window, since token counts of joined texts do not add up
    exactly.
    """
    text_start = sentences[0].start if sentences else 0
    if engine.count_tokens([text[text_start:]])[0] <= engine.max_input_tokens:
        return [text[text_start:]]
    budget = min(CHUNK_TOKENS, engine.max_input_tokens // 2)
    ends = [*(sentence.start for sentence in sentences[1:]), len(text)]
    spaced = [text[start:end] for start, end in zip([text_start, *ends], ends, strict=False)]
    pieces = _cut_long(spaced, budget // 2, engine.count_tokens)
    total = sum(count for _, count in pieces)
    chunks = [""] * -(-total // budget)
    before = 0
    for piece, count in pieces:
        # With the text cut into equal lengths, a piece belongs to the chunk that contains its middle.
        chunks[(2 * before + count) * len(chunks) // (2 * total + 1)] += piece
        before += count
    return [chunk.strip() for chunk in chunks if chunk.strip()]


def _cut_long(texts: list[str], max_tokens: int, count_tokens: _Count) -> list[tuple[str, int]]:
    """The texts with their token counts; those above `max_tokens` are halved until they are not."""
    pieces = list(zip(texts, count_tokens(texts), strict=True))
    while any(count > max_tokens and len(piece) > 1 for piece, count in pieces):
        halves = [half for piece, count in pieces for half in (_halves(piece) if count > max_tokens else (piece,))]
        pieces = list(zip(halves, count_tokens(halves), strict=True))
    return pieces


def _halves(text: str) -> tuple[str, ...]:
    """The text cut at the space nearest before its middle, else at the next one, else in the middle."""
    middle = len(text) // 2
    cut = max(text.rfind(" ", 1, middle), 0) or max(text.find(" ", middle, -1), 0) or middle
    return (text[:cut], text[cut:]) if cut else (text,)
