"""From an article that the model cannot read at once to a text that it can: summaries of its chunks, behind its lead.

The chunks are summarised side by side, and their summaries, in order, are condensed again until they fit. What stands
for a chunk has at most half of its characters, so each level halves the text: one of n characters, of at most four
tokens each, fits a window of w tokens after log2(4n/w) levels at most. In practice a level leaves a tenth.
"""

from collections.abc import Generator, Iterable, Sequence

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checks.article_check import ArticleCheck, NoCheck
from nutgraf_models.engines.base import Candidate, Engine, GenerationRequest, RowCandidates
from nutgraf_models.extracts.own_sentences import own_sentences
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.plan import make_chunks, row_for
from nutgraf_models.text.sentences import Sentence, split

# Tokens of the article's first sentences that stay as they are, or a quarter of the window where that is less.
LEAD_TOKENS = 128
# What a summary of each length has, about.
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
) -> Generator[tuple[GenerationRequest, ...], tuple[RowCandidates, ...], str]:
    """Asks for summaries of the chunks, and returns the text made of them; it fits the engine's window.

    The article's first `sentences` are its lead; behind it stand the sentences that decide the story. Names and numbers
    of its `title` count as said by each chunk. Without `check` its summary stands for a chunk whatever it says.
    """
    lead = [*_lead(sentences, engine), *(sentences[place].text for place in decisive)]
    while True:
        spec = Spec(_length(len(chunks), engine))
        counts = engine.count_tokens(chunks)
        rows = yield tuple(
            GenerationRequest(chunk, (row_for(card, spec, count),)) for chunk, count in zip(chunks, counts, strict=True)
        )
        instruction = card.prompt.after(spec.length)
        body = " ".join(
            _told(chunk, title, candidates, instruction, check=check)
            for chunk, (candidates,) in zip(chunks, rows, strict=True)
        )
        told = split(body)
        text = " ".join(postprocess.distinct([*lead, *(sentence.text for sentence in told)])) or chunks[0]
        if engine.count_tokens([text])[0] <= engine.max_input_tokens:
            return text
        chunks = make_chunks(body, told, engine)


def _length(chunks: int, engine: Engine) -> Length:
    """The length of the summaries of so many chunks: LONG if those are not too much together."""
    return Length.LONG if chunks * _USUAL_TOKENS[Length.LONG] <= engine.max_input_tokens // 2 else Length.SHORT


def _lead(sentences: Sequence[Sentence], engine: Engine) -> list[str]:
    most = min(LEAD_TOKENS, engine.max_input_tokens // 4)
    lead: list[str] = []
    for sentence in sentences:
        if engine.count_tokens([" ".join([*lead, sentence.text])])[0] > most:
            break
        lead.append(sentence.text)
    return lead


def _told(chunk: str, title: str, candidates: Iterable[Candidate], instruction: str, *, check: bool) -> str:
    """What stands for a chunk: the sentences of its summary that it supports, else the best of its own.

    At most half of the chunk's characters, with the space that will follow.
    """
    sentences_of_chunk = split(chunk)
    of_chunk = ArticleCheck(chunk, sentences_of_chunk, title) if check else NoCheck()
    written = (postprocess.whole_sentences(candidate.text, instruction) for candidate in candidates)
    supported = ([one for one in sentences if of_chunk.check(one).is_supported] for sentences in written)
    sentences = next((one for one in supported if one), None) or own_sentences(sentences_of_chunk, title)[:1]
    most = (len(chunk) - 1) // 2
    told = ""
    for sentence in sentences:
        longer = f"{told} {sentence}".lstrip()
        if len(longer) > most:
            break
        told = longer
    return told or _cut(sentences[0], most)


def _cut(sentence: str, most: int) -> str:
    """The first words of a sentence, with an ellipsis: at most `most` characters; none if nothing would be left."""
    leading_words = sentence[: max(0, most - 2)]
    leading_words = leading_words[: leading_words.rfind(" ")] if " " in leading_words else leading_words
    return f"{leading_words} …" if leading_words.strip() else ""
