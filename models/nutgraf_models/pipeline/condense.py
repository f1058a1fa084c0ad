"""Long articles: the lead and summaries of the chunks form a text that fits the model's context window.

The chunks are summarised in parallel, and their summaries, in order, are condensed again until they fit. A chunk's
summary has at most half of its characters, so each level at least halves the text: n characters of at most four tokens
each fit a window of w tokens after at most log2(4n/w) levels. In practice, a level leaves a tenth.
"""

from collections.abc import Generator, Iterable, Sequence

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checks.article_check import ArticleCheck, NoCheck
from nutgraf_models.engines.base import Candidate, Completion, Engine, GenerationRequest
from nutgraf_models.extracts.own_sentences import own_sentences
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.plan import make_chunks, row_for
from nutgraf_models.text.sentences import Sentence, split

# Tokens of the lead, which stays as it is; a quarter of the window if that is less.
LEAD_TOKENS = 128
# Approximate tokens of a summary.
_USUAL_TOKENS = {Length.SHORT: 30, Length.LONG: 75}


def condense(
    chunks: Sequence[str],
    sentences: Sequence[Sentence],
    decisive: Sequence[int],
    title: str,
    card: Card,
    engine: Engine,
    *,
    check: bool = True,
) -> Generator[tuple[GenerationRequest, ...], tuple[Completion, ...], str]:
    """Requests summaries of the chunks, and returns a text made of them that fits the engine's window.

    It starts with the article's first `sentences` and those at the indexes `decisive`. Names and numbers in the `title`
    count as supported by every chunk. Without `check`, chunk summaries are used unchecked.
    """
    lead = [*_lead(sentences, engine), *(sentences[index].text for index in decisive)]
    while True:
        spec = Spec(_length(len(chunks), engine))
        counts = engine.count_tokens(chunks)
        done = yield tuple(
            GenerationRequest(chunk, (row_for(card, spec, count),)) for chunk, count in zip(chunks, counts, strict=True)
        )
        instruction = card.prompt.after(spec.length)
        body = " ".join(
            _chunk_summary(chunk, title, completion.rows[0], instruction, check=check)
            for chunk, completion in zip(chunks, done, strict=True)
        )
        body_sentences = split(body)
        text = " ".join(postprocess.distinct([*lead, *(sentence.text for sentence in body_sentences)])) or chunks[0]
        if engine.count_tokens([text])[0] <= engine.max_input_tokens:
            return text
        chunks = make_chunks(body, body_sentences, engine)


def _length(chunks: int, engine: Engine) -> Length:
    """LONG if the summaries of so many chunks take at most half of the window, else SHORT."""
    return Length.LONG if chunks * _USUAL_TOKENS[Length.LONG] <= engine.max_input_tokens // 2 else Length.SHORT


def _lead(sentences: Sequence[Sentence], engine: Engine) -> list[str]:
    max_tokens = min(LEAD_TOKENS, engine.max_input_tokens // 4)
    lead: list[str] = []
    for sentence in sentences:
        if engine.count_tokens([" ".join([*lead, sentence.text])])[0] > max_tokens:
            break
        lead.append(sentence.text)
    return lead


def _chunk_summary(chunk: str, title: str, candidates: Iterable[Candidate], instruction: str, *, check: bool) -> str:
    """The supported sentences of a chunk's summary; without any, the chunk's own best sentence.

    At most half of the chunk's characters, including the space that will follow.
    """
    chunk_sentences = split(chunk)
    chunk_check = ArticleCheck(chunk, chunk_sentences, title) if check else NoCheck()
    written = (postprocess.whole_sentences(candidate.text, instruction) for candidate in candidates)
    supported = (
        [sentence for sentence in sentences if chunk_check.check(sentence).is_supported] for sentences in written
    )
    sentences = next(filter(None, supported), None) or own_sentences(chunk_sentences, title)[:1]
    max_characters = (len(chunk) - 1) // 2
    summary = ""
    for sentence in sentences:
        longer = f"{summary} {sentence}".lstrip()
        if len(longer) > max_characters:
            break
        summary = longer
    return summary or _cut(sentences[0], max_characters)


def _cut(sentence: str, max_characters: int) -> str:
    """The first words of a sentence with an ellipsis, within `max_characters`; empty if no word fits."""
    leading_words = sentence[: max(0, max_characters - 2)]
    leading_words = leading_words[: leading_words.rfind(" ")] if " " in leading_words else leading_words
    return f"{leading_words} …" if leading_words.strip() else ""
