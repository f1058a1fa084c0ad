"""Summaries without a choice: the article's own sentences, or what a model wrote as it wrote it."""

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

# An extractive summary is no longer than this, whatever the article calls a sentence.
_EXTRACT_WORDS = 100
NOTHING_FITS = Warning(
    WarningKind.EXTRACTIVE_FALLBACK, "nothing that the model wrote could be shown; these are the article's own words"
)


@dataclass(frozen=True)
class ShownSentence:
    """`from_article`: the article's own, put in by rule."""

    checked: CheckedSentence
    from_article: bool = False

    @property
    def text(self) -> str:
        return self.checked.text


@dataclass(frozen=True)
class Choice:
    """The sentences of a summary, and why there are no more or no others."""

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
    """The likeliest candidate that has a whole sentence, as it is, within the caps."""
    for candidate, sentences in zip(candidates, written, strict=True):
        kept = postprocess.cap(sentences, spec, prepared.words)
        if not kept and sentences and word_count(sentences[0]) < prepared.words:
            kept = sentences[:1]
        if kept:
            reason = candidate.finish
            if reason is FinishReason.STOP and len(kept) < len(sentences):
                reason = FinishReason.CAP
            shown = tuple(ShownSentence(prepared.check.check(text)) for text in kept)
            return Choice(shown, reason, tokens)
    worded = (one for one in candidates if any(has_words(piece.text) for piece in split(one.text)))
    text = next((" ".join(one.text.split()) for one in worded), "")
    if text and postprocess.whole_sentences(f"{text} ."):
        most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS, prepared.words - 1)
        warning = Warning(WarningKind.INCOMPLETE_SENTENCE, "the model ended no sentence")
        shown = (ShownSentence(prepared.check.check(postprocess.cut_short(text, most))),)
        return Choice(shown, FinishReason.TOKEN_LIMIT, tokens, (warning,))
    return extract(prepared, spec, NOTHING_FITS, tokens)


def extract(prepared: Prepared, spec: Spec, why: Warning, tokens: int = 0) -> Choice:
    """The article's own sentences, from the best to open with; where there is no story, the page's first."""
    if prepared.has_story:
        texts = own_sentences(prepared.sentences, prepared.article.title, prepared.language)
    else:
        texts = [clean_start(text) for text in leading(prepared.sentences)]
    warnings: tuple[Warning, ...] = (why,)
    kept = postprocess.cap(texts[: spec.sentence_cap], spec, prepared.words)
    if not kept:
        most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS)
        first = texts[0]
        if word_count(first) > most or len(first) > 1000:
            first = postprocess.cut_short(first, most)
            warnings += (Warning(WarningKind.INCOMPLETE_SENTENCE, "the article's first sentence is too long to show"),)
        kept = [first]
    shown = tuple(ShownSentence(prepared.check.check(text), from_article=True) for text in kept)
    return Choice(shown, FinishReason.EXTRACTIVE, tokens, warnings)
