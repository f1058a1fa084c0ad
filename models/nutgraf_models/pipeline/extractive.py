"""Summaries without selection: the article's own sentences, or the model's output as it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from nutgraf_models.checks.article_check import CheckedSentence
from nutgraf_models.engines.base import Candidate
from nutgraf_models.extracts.leading import leading
from nutgraf_models.extracts.own_sentences import own_sentences
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.lengths import Spec
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.prepared import Prepared
from nutgraf_models.results import FinishReason, Warning, WarningKind
from nutgraf_models.text.sentences import has_words, split, word_count

# Limit for one very long "sentence", such as an article without punctuation.
_EXTRACT_WORDS = 100
NOTHING_FITS = Warning(
    WarningKind.EXTRACTIVE_FALLBACK, "no generated sentence could be shown; the article's own sentences are returned"
)
TOO_SHORT = Warning(
    WarningKind.ARTICLE_TOO_SHORT,
    "the article is about as short as the summary would be; its own sentences are returned",
)
NO_STORY = Warning(
    WarningKind.NO_STORY,
    "the text is a page without a story, such as a paywall, a log-in or an error; its own first sentences are returned",
)


@dataclass(frozen=True)
class ShownSentence:
    """A checked sentence. `from_article`: the article's own rather than the model's."""

    checked: CheckedSentence
    from_article: bool = False

    @property
    def text(self) -> str:
        return self.checked.text


@dataclass(frozen=True)
class Choice:
    """The sentences of a summary, the reason why it ends, its warnings, and the number of generated tokens."""

    sentences: tuple[ShownSentence, ...]
    reason: FinishReason
    tokens: int = 0
    warnings: tuple[Warning, ...] = ()


def as_written(
    prepared: Prepared,
    spec: Spec,
    candidates: Sequence[Candidate],
    written: Sequence[list[str]],
    tokens: int,
) -> Choice:
    """The likeliest candidate with a complete sentence, unchanged but for the caps."""
    for candidate, sentences in zip(candidates, written, strict=True):
        kept = postprocess.cap(sentences, spec, prepared.words)
        if not kept and sentences and word_count(sentences[0]) < prepared.words:
            kept = sentences[:1]
        if kept:
            reason = candidate.finish
            if reason is FinishReason.STOP and len(kept) < len(sentences):
                reason = FinishReason.CAP
            shown = tuple(ShownSentence(prepared.article_check.check(text)) for text in kept)
            return Choice(shown, reason, tokens)
    with_words = (
        candidate for candidate in candidates if any(has_words(piece.text) for piece in split(candidate.text))
    )
    text = next((" ".join(candidate.text.split()) for candidate in with_words), "")
    if text and postprocess.whole_sentences(f"{text} ."):
        max_words = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS, prepared.words - 1)
        warning = Warning(WarningKind.INCOMPLETE_SENTENCE, "the model did not complete a sentence")
        shown = (ShownSentence(prepared.article_check.check(postprocess.cut_short(text, max_words))),)
        return Choice(shown, FinishReason.TOKEN_LIMIT, tokens, (warning,))
    return extract(prepared, spec, NOTHING_FITS, tokens)


def extract(prepared: Prepared, spec: Spec, warning: Warning, tokens: int = 0) -> Choice:
    """The article's own sentences from its best opening on; the first ones of a page without a story."""
    if prepared.has_story:
        texts = own_sentences(prepared.sentences, prepared.article.title, prepared.language)
    else:
        texts = [clean_start(text) for text in leading(prepared.sentences)]
    warnings: tuple[Warning, ...] = (warning,)
    kept = postprocess.cap(texts[: spec.sentence_cap], spec, prepared.words)
    if not kept:
        max_words = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS)
        first = texts[0]
        if word_count(first) > max_words or len(first) > 1000:
            first = postprocess.cut_short(first, max_words)
            warnings += (Warning(WarningKind.INCOMPLETE_SENTENCE, "the article's first sentence is too long to show"),)
        kept = [first]
    shown = tuple(ShownSentence(prepared.article_check.check(text), from_article=True) for text in kept)
    return Choice(shown, FinishReason.EXTRACTIVE, tokens, warnings)
