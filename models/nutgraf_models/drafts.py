"""From what a model wrote for a row to the sentences that are shown."""

from dataclasses import dataclass
from typing import NamedTuple

from nutgraf_models import finish
from nutgraf_models.articles import Prepared
from nutgraf_models.engines.base import Candidate
from nutgraf_models.engines.lead import leading
from nutgraf_models.lengths import Spec
from nutgraf_models.results import FinishReason, Warning, WarningKind
from nutgraf_models.sentences import word_count

# An extractive summary is no longer than this, whatever the article calls a sentence.
_EXTRACT_WORDS = 100


@dataclass(frozen=True)
class Draft:
    """A summary before evidence is sought."""

    sentences: tuple[str, ...]
    reason: FinishReason
    tokens: int = 0
    warnings: tuple[Warning, ...] = ()


class _Rank(NamedTuple):
    """What makes one draft better than another, the weightiest first; less is better."""

    over_word_cap: int
    unsupported: int
    too_few_sentences: int
    dropped_sentences: int


def draft(prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...], instruction: str = "") -> Draft:
    """The best that the candidates, the likeliest first, have to show.

    A summary of several sentences is shown without those that have an unsupported term, unless it has no others; where
    that leaves too few, supported sentences of other candidates fill it up.
    """
    options = (_option(prepared, spec, candidate, instruction) for candidate in candidates)
    ranked = [option for option in options if option is not None]
    if not ranked:
        return _nothing_usable(prepared, spec, candidates)
    rank, best = min(ranked, key=lambda one: one[0])
    if rank.unsupported and prepared.extractive_fallback:
        detail = "whatever the model wrote names what the article does not; this is the article's own first sentence"
        return extract(prepared, spec, Warning(WarningKind.EXTRACTIVE_FALLBACK, detail), best.tokens)
    if rank.too_few_sentences and not rank.unsupported and not rank.over_word_cap:
        others = [sentence for rank, other in ranked if not rank.unsupported for sentence in other.sentences]
        filled = finish.cap(finish.distinct([*best.sentences, *others]), spec, prepared.words)[: spec.sentence_floor]
        best = Draft(tuple(filled), best.reason, best.tokens)
    return best


def needs_more_candidates(
    prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...], instruction: str = ""
) -> bool:
    """Whether these candidates have no draft that is supported, and as long as it should be."""
    options = (_option(prepared, spec, candidate, instruction) for candidate in candidates)
    return all(option is None or any(option[0]) for option in options)


def extract(prepared: Prepared, spec: Spec, why: Warning, tokens: int = 0) -> Draft:
    """The article's first sentences; whole ones where it has any."""
    texts = leading(prepared.sentences)
    warnings: tuple[Warning, ...] = (why,)
    kept = finish.cap(texts, spec, prepared.words)
    if kept:
        return Draft(tuple(kept), FinishReason.EXTRACTIVE, tokens, warnings)
    most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS)
    first = texts[0]
    if word_count(first) > most or len(first) > 1000:
        first = finish.cut_short(first, most)
        warnings += (Warning(WarningKind.INCOMPLETE_SENTENCE, "the article's first sentence is too long to show"),)
    return Draft((first,), FinishReason.EXTRACTIVE, tokens, warnings)


def _option(prepared: Prepared, spec: Spec, candidate: Candidate, instruction: str) -> tuple[_Rank, Draft] | None:
    """What would be shown of a candidate; None if it has no whole sentence that may be."""
    sentences = finish.whole_sentences(candidate.text, instruction)
    kept = finish.cap(sentences, spec, prepared.words)
    warnings: tuple[Warning, ...] = ()
    if not kept and sentences and word_count(sentences[0]) < prepared.words:
        kept = sentences[:1]
        warnings = (_over_word_cap(spec),)
    if not kept:
        return None
    reason = FinishReason(candidate.finish.value)
    if reason is FinishReason.STOP and len(kept) < len(sentences):
        reason = FinishReason.CAP
    supported = [sentence for sentence in kept if not prepared.terms.unsupported(sentence)]
    shown = supported or kept
    unsupported = 0 if supported else len(prepared.terms.unsupported(" ".join(kept)))
    rank = _Rank(len(warnings), unsupported, int(len(shown) < spec.sentence_floor), len(kept) - len(shown))
    return rank, Draft(tuple(shown), reason, candidate.token_count, warnings)


def _nothing_usable(prepared: Prepared, spec: Spec, candidates: tuple[Candidate, ...]) -> Draft:
    tokens = max((candidate.token_count for candidate in candidates), default=0)
    text = next((" ".join(one.text.split()) for one in candidates if one.text.strip()), "")
    if text and not prepared.extractive_fallback and finish.whole_sentences(f"{text} ."):
        warning = Warning(
            WarningKind.INCOMPLETE_SENTENCE,
            "the model ended no sentence; ask for extractive_fallback to get the article's own sentence instead",
        )
        most = min(_EXTRACT_WORDS, spec.max_words or _EXTRACT_WORDS, prepared.words - 1)
        return Draft((finish.cut_short(text, most),), FinishReason.TOKEN_LIMIT, tokens, (warning,))
    warning = Warning(
        WarningKind.EXTRACTIVE_FALLBACK, "the model wrote nothing usable; this is the article's own first sentence"
    )
    return extract(prepared, spec, warning, tokens)


def _over_word_cap(spec: Spec) -> Warning:
    detail = f"no whole sentence fits {spec.max_words} words; the summary is one sentence"
    return Warning(WarningKind.WORD_CAP_EXCEEDED, detail)
