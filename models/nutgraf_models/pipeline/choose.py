"""Selection of a summary's sentences: each is complete, self-contained and supported by the article.

A doubted sentence is replaced by another one that the model wrote, or by one of the article's own, shortened by rule.
Before an article sentence is used, `restarts` may have the model write the summary again.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nutgraf_models.checks.article_check import CheckedSentence
from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.checks.words import content_shared
from nutgraf_models.engines.base import Candidate
from nutgraf_models.extracts.own_sentences import UNFIT, is_piece
from nutgraf_models.extracts.shorten import shorten, without_dateline
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.extractive import NOTHING_FITS, Choice, ShownSentence, as_written, extract
from nutgraf_models.pipeline.prepared import Prepared
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import word_count

# Leading article sentences that may replace a doubted one if its own origin cannot.
_LEAD_SENTENCES = 8
# The leading sentences that are certain to state the main point.
_MAIN_SENTENCES = 2
# Article sentences, likeliest main points first, that are tried if LONG has too few sentences.
_MAX_FILLERS = 25
# Score for sharing the content of the model's first sentence: about as much as for being the article's first one.
_SAME_POINT = 3.0
# Log odds by which an article sentence must exceed the model's choice of a main point, to be preferred to it, and its
# maximum distance from the best one.
_MODELS_CHOICE, _BETTER_MARGIN = 1.5, 0.5
# LONG states as many of the article's likeliest main points, if their log odds are within this margin of the best.
_MAIN_POINTS, _MAIN_POINTS_MARGIN = 2, 2.5
# A main point is told already if another sentence shares this much of its content.
_TOLD = 0.5
# A replacement that scores within this margin of the best one states the main point; others state details.
_MAIN_POINT_MARGIN = 1.5
# Maximum distance, in article sentences, at which a model's sentence may still refer to the one before it.
_REACH = 4
# Stricter than the verdict's threshold, since a sentence can be written again, or replaced by the article's own.
_SHOWN_THRESHOLD = 0.95
# Two sentences with the same origin repeat each other if they share this much of their content.
_MAX_SHARED_CONTENT = 2 / 3
# Words of a SHORT: minimum and usual maximum, the tolerated excess, the limit for a main point, and the minimum for an
# article sentence that is preferred to the model's choice.
_SHORT_WORDS, _SHORT_EXCESS, _MAX_SHORT_WORDS, _MIN_BETTER_WORDS = (6, 30), 6, 45, 12
_LONG_WORDS = (45, 75)
_QUESTION = re.compile(r"\?\W*$")
_LONG_SENTENCE_WORDS = 40


def choose(
    prepared: Prepared,
    spec: Spec,
    candidates: Sequence[Candidate],
    other_candidates: Sequence[Candidate] = (),
    instruction: str = "",
) -> Choice:
    """Selects the sentences to show from a row's `candidates`, likeliest first.

    `other_candidates` are those of the other length. The choice is never empty; with no sentence of the model's in it,
    its reason is EXTRACTIVE and it has a warning.
    """
    written = [postprocess.whole_sentences(candidate.text, instruction) for candidate in candidates]
    tokens = sum(candidate.token_count for candidate in candidates)
    reason = candidates[0].finish if candidates else FinishReason.STOP
    chooser = _Chooser(prepared, spec)
    if prepared.show_doubted:
        return as_written(prepared, spec, candidates, written, tokens)
    other_written = [postprocess.whole_sentences(candidate.text, instruction) for candidate in other_candidates]
    # A model that copies may copy a dateline, too.
    written, other_written = (
        [[without_dateline(sentence) for sentence in sentences] for sentences in part]
        for part in (written, other_written)
    )
    if spec.length is Length.SHORT:
        shown = chooser.short([sentences for sentences in [*written, *other_written] if sentences])
    else:
        firsts = [sentence for sentences in other_written for sentence in sentences[:1]]
        shown = chooser.long(written, firsts)
    if not shown:
        return extract(prepared, spec, NOTHING_FITS, tokens)
    if all(sentence.from_article for sentence in shown):
        return Choice(tuple(shown), FinishReason.EXTRACTIVE, tokens, (NOTHING_FITS,))
    if reason is FinishReason.STOP and written and len(shown) < len(written[0]) and len(shown) == spec.sentence_cap:
        reason = FinishReason.CAP
    return Choice(tuple(shown), reason, tokens)


class _Chooser:
    def __init__(self, prepared: Prepared, spec: Spec) -> None:
        self._prepared = prepared
        self._spec = spec
        usual = _SHORT_WORDS[1] if spec.length is Length.SHORT else _LONG_WORDS[1]
        self._max_words = min(spec.max_words or usual, prepared.words - 1)

    def short(self, written: Sequence[Sequence[str]]) -> list[ShownSentence]:
        """One sentence: the first usable one of `written`, or the nearest replacement; empty if there is none."""
        firsts = [self._check(sentences[0]) for sentences in written]
        by_model = [
            *(ShownSentence(first) for first in firsts),
            *(ShownSentence(self._check(shorten(first.text, self._max_words))) for first in firsts),
        ]
        has_cap = self._spec.max_words is not None
        relaxed = self._max_words if has_cap else self._max_words + _SHORT_EXCESS
        longest = self._max_words if has_cap else _MAX_SHORT_WORDS
        # A main point with a few words too many is better than a detail within the limit.
        shown = self._first_usable((by_model, self._max_words), (by_model, relaxed))
        if shown:
            return self._first_usable((self._better_points(shown[0], written), longest)) or shown
        main, replacements = self._replacements(firsts, written, longest)
        return self._first_usable(
            (main, self._max_words),
            (main, relaxed),
            (by_model, longest),
            (main, longest),
            (replacements, self._max_words),
            ([*by_model, *replacements], self._prepared.words - 1),
        )

    def _replacements(
        self, firsts: Sequence[CheckedSentence], written: Sequence[Sequence[str]], longest: int
    ) -> tuple[list[ShownSentence], list[ShownSentence]]:
        """Replacements for `firsts` that state the main point, in at most `longest` words, and all; best first."""
        replacements = [
            *(
                own
                for first in firsts
                for limit in (self._max_words, longest)
                for own in self._own(first.origin, limit)
            ),
            *self._leads(self._max_words, _LEAD_SENTENCES),
            *self._leads(longest, _MAIN_SENTENCES),
            *(ShownSentence(self._check(text)) for sentences in written for text in sentences[1:]),
        ]
        by_index = self._prepared.ranked_main_points

        def score(sentence: ShownSentence) -> float:
            """As the article ranks the sentence's origin, and as `firsts` put the main point."""
            origin = sentence.checked.origin
            ranked = by_index[origin] if origin is not None and origin < len(by_index) else min(by_index)
            return ranked + _SAME_POINT * max(
                (content_shared(first.text, sentence.text) for first in firsts), default=0.0
            )

        scores = {sentence.text: score(sentence) for sentence in replacements}
        replacements.sort(key=lambda sentence: -scores[sentence.text])
        best = max(scores.values(), default=0.0)
        return [one for one in replacements if scores[one.text] >= best - _MAIN_POINT_MARGIN], replacements

    def _better_points(self, shown: ShownSentence, written: Iterable[Sequence[str]]) -> list[ShownSentence]:
        """Sentences, of the model or the article's own, that tell the main point better than `shown`; best first."""
        scores = self._prepared.ranked_main_points
        origin = shown.checked.origin
        told = scores[origin] if origin is not None else math.inf
        least = max(told + _MODELS_CHOICE, max(scores) - _BETTER_MARGIN)
        better = [
            index
            for index, score in enumerate(scores)
            if score > least and word_count(self._prepared.sentences[index].text) >= _MIN_BETTER_WORDS
        ]
        if not better:
            return []
        by_model = [ShownSentence(self._check(text)) for sentences in written for text in sentences]
        return [
            one
            for index in sorted(better, key=lambda index: -scores[index])
            for one in (
                *(one for one in by_model if one.checked.origin == index),
                *self._own(index, self._max_words),
            )
        ]

    def _first_usable(self, *attempts: tuple[Sequence[ShownSentence], int]) -> list[ShownSentence]:
        """The first sentence that can open a summary and has no more words than its attempt allows; else none."""
        min_words = min(_SHORT_WORDS[0], self._max_words // 2)
        for options, max_words in attempts:
            for sentence in options:
                if min_words <= word_count(sentence.text) <= max_words and (fitted := self._fitted(sentence, [])):
                    return [fitted]
        return []

    def long(self, candidates: Sequence[Sequence[str]], firsts: Sequence[str]) -> list[ShownSentence]:
        """The usable sentences of the best candidate; if they are too few, those of the others and the article's own.

        The best has the most usable sentences; of several such candidates, it is the likeliest. `firsts`: the first
        sentences of the other length's candidates, which may open the summary.
        """
        by_candidate = [[ShownSentence(self._check(text)) for text in sentences] for sentences in candidates]
        best = max(range(len(by_candidate)), key=lambda index: len(self._usable(by_candidate[index])), default=None)
        written = by_candidate.pop(best) if best is not None else []
        # The main point comes first, from whichever source has it.
        openings = [
            *written[:1],
            *(other[0] for other in by_candidate if other),
            *(ShownSentence(self._check(text)) for text in firsts),
            *(own for sentence in written[:1] for own in self._own(sentence.checked.origin, _LONG_SENTENCE_WORDS)),
            *self._leads(_LONG_SENTENCE_WORDS, _MAIN_SENTENCES),
            *written[1:],
            *self._leads(_LONG_SENTENCE_WORDS, _LEAD_SENTENCES),
        ]
        opening, fitted = next(
            ((sentence, fitted) for sentence in openings if (fitted := self._fitted(sentence, []))), (None, None)
        )
        shown = [fitted] if fitted else []
        doubted: list[CheckedSentence] = []
        for sentence in written:
            if fitted := self._fitted(sentence, shown):
                shown.append(fitted)
            elif sentence is not opening:
                doubted.append(sentence.checked)
        others = [sentence for sentences in by_candidate for sentence in sentences]
        shown = self._with_main_points(shown, [*written, *others])
        replacements = [
            *others,
            *(own for checked in doubted for own in self._own(checked.origin, _LONG_SENTENCE_WORDS)),
            *self._leads(_LONG_SENTENCE_WORDS, _LEAD_SENTENCES),
        ]
        for sentence in replacements:
            if not self._is_too_little(shown):
                break
            if self._words([*shown, sentence]) <= max(self._max_words, _LONG_WORDS[1]):
                shown = self._with(shown, sentence)
        scores = self._prepared.main_points
        for index in sorted(range(len(scores)), key=lambda index: -scores[index])[:_MAX_FILLERS]:
            if len(shown) >= self._spec.sentence_floor:
                break
            for own in self._own(index, _LONG_SENTENCE_WORDS):
                shown = self._with(shown, own)
        return self._in_order(self._capped(self._with_decisive(self._capped(shown))))

    def _in_order(self, shown: list[ShownSentence]) -> list[ShownSentence]:
        """The sentences after the first in article order, if every one still stands there; else unchanged."""
        origins = [sentence.checked.origin for sentence in shown]
        if None in origins:
            return shown
        by_origin = sorted(shown[1:], key=lambda sentence: sentence.checked.origin or 0)
        ordered = [*shown[:1], *by_origin]
        return ordered if ordered != shown and self._stand(ordered) else shown

    def _stand(self, sentences: Sequence[ShownSentence]) -> bool:
        """Whether each sentence can be shown after those before it."""
        return all(self._may_follow(sentence, sentences[:index]) for index, sentence in enumerate(sentences))

    def _usable(self, sentences: Sequence[ShownSentence]) -> list[ShownSentence]:
        """The sentences of a candidate that can be shown together, in order."""
        shown: list[ShownSentence] = []
        for sentence in sentences:
            if fitted := self._fitted(sentence, shown):
                shown.append(fitted)
        return shown

    def _with_main_points(self, shown: list[ShownSentence], by_model: Sequence[ShownSentence]) -> list[ShownSentence]:
        """Adds the likeliest main points that are missing; if there is no room, each replaces the least likely one."""
        scores = self._prepared.main_points
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[:_MAIN_POINTS]
        wanted = [index for index in best if scores[index] >= scores[best[0]] - _MAIN_POINTS_MARGIN]

        def score(sentence: ShownSentence) -> float:
            return -math.inf if sentence.checked.origin is None else scores[sentence.checked.origin]

        for index in wanted:
            source = self._prepared.sentences[index].text
            if any(
                sentence.checked.origin == index or content_shared(sentence.text, source) >= _TOLD for sentence in shown
            ):
                continue
            options = [
                *(sentence for sentence in by_model if sentence.checked.origin == index),
                *self._own(index, _LONG_SENTENCE_WORDS),
            ]
            least = min((one for one in shown if one.checked.origin not in wanted), key=score, default=None)
            without = [sentence for sentence in shown if sentence is not least]
            shown = next(
                (
                    extended
                    for kept in (shown, without)
                    if self._stand(kept)
                    for option in options
                    if len(extended := self._with(kept, option)) > len(kept)
                    and len(extended) <= self._spec.sentence_cap
                    and self._words(extended) <= self._max_words
                ),
                shown,
            )
        return shown

    def _with_decisive(self, shown: list[ShownSentence]) -> list[ShownSentence]:
        """Adds the article's decisive sentence; if there is no room, it replaces the last one."""
        origins = {sentence.checked.origin for sentence in shown}
        if not origins.isdisjoint(self._prepared.decisive):
            return shown
        room = self._spec.sentence_cap - 1
        for own in (own for index in self._prepared.decisive for own in self._own(index, _LONG_SENTENCE_WORDS)):
            for kept in (shown[:room], shown[: room - 1]):
                extended = self._with(kept, own)
                if len(extended) > len(kept) and self._words(extended) <= self._max_words:
                    return extended
        return shown

    def _with(self, shown: list[ShownSentence], sentence: ShownSentence) -> list[ShownSentence]:
        """Inserts a sentence in article order if every one still stands there, else appends it; else unchanged."""
        origin = sentence.checked.origin
        with_origin = [index for index, other in enumerate(shown) if None not in (origin, other.checked.origin)]
        in_order = next(
            (index for index in with_origin if (shown[index].checked.origin or 0) > (origin or 0)), len(shown)
        )
        for position in dict.fromkeys((in_order, len(shown))):
            fitted = self._fitted(sentence, shown[:position])
            if fitted and self._stand(extended := [*shown[:position], fitted, *shown[position:]]):
                return extended
        return shown

    def _fitted(self, sentence: ShownSentence, shown: Sequence[ShownSentence]) -> ShownSentence | None:
        """The sentence as it can be shown after `shown`, with full names for unknown persons; None if it cannot be."""
        origin = sentence.checked.origin
        if origin is None:
            return sentence if self._may_follow(sentence, shown) else None
        before = " ".join(earlier.text for earlier in shown)
        names = self._prepared.names
        in_full = names.in_full(sentence.text, origin, before)
        for text in dict.fromkeys((in_full, names.with_antecedent(in_full, origin))):
            # The rest of the sentence is as well supported as before.
            checked = replace(sentence.checked, text=text, terms=self._check(text).terms)
            fitted = sentence if text == sentence.text else replace(sentence, checked=checked)
            if self._may_follow(fitted, shown):
                return fitted
        return None

    def _may_follow(self, sentence: ShownSentence, shown: Sequence[ShownSentence]) -> bool:
        """Whether a sentence is complete, supported and new, and can be understood after those shown."""
        before = " ".join(earlier.text for earlier in shown)
        checked = [earlier.checked for earlier in shown]
        # A sentence may refer to the one before it only if they are neighbours in the article too.
        origins = [other.checked.origin for other in (*shown[-1:], sentence)]
        reach = 1 if sentence.from_article else _REACH
        follows = bool(shown) and None not in origins and 0 <= (origins[1] or 0) - (origins[0] or 0) <= reach
        return (
            not (is_piece(sentence.text) if sentence.from_article else is_fragment(sentence.text))
            and sentence.checked.is_supported
            and (sentence.checked.support >= _SHOWN_THRESHOLD or (sentence.from_article and not shown))
            and not _QUESTION.search(sentence.text)
            and not points_back(sentence.text, before if follows else "")
            and self._prepared.article_check.still_means(sentence.checked, checked)
            and self._prepared.article_check.introduces(sentence.checked, checked)
            and not any(_repeats(sentence, earlier) for earlier in shown)
            and len(postprocess.distinct([*(earlier.text for earlier in shown), sentence.text])) > len(shown)
        )

    def _own(self, index: int | None, max_words: int) -> Iterator[ShownSentence]:
        """The article sentence at `index`, shortened; nothing if it is missing, incomplete or unfit."""
        if index is None or index >= len(self._prepared.sentences):
            return
        sentence = self._prepared.sentences[index]
        if sentence.is_complete and not UNFIT.search(sentence.text):
            yield ShownSentence(self._check(shorten(sentence.text, max_words)), from_article=True)

    def _leads(self, max_words: int, count: int) -> list[ShownSentence]:
        """The article's first `count` sentences, shortened."""
        return [own for index in range(count) for own in self._own(index, max_words)]

    def _check(self, text: str) -> CheckedSentence:
        return self._prepared.article_check.check(text)

    def _words(self, shown: Iterable[ShownSentence]) -> int:
        return sum(word_count(sentence.text) for sentence in shown)

    def _is_too_little(self, shown: Sequence[ShownSentence]) -> bool:
        few_words = self._words(shown) < min(_LONG_WORDS[0], self._max_words // 2)
        return len(shown) < self._spec.sentence_floor or (few_words and len(shown) < min(3, self._spec.sentence_cap))

    def _capped(self, shown: list[ShownSentence]) -> list[ShownSentence]:
        """The leading sentences within the caps; always the first, unless the article has no more words."""
        kept = shown[: self._spec.sentence_cap]
        while (
            len(kept) > 1
            and self._words(kept) > self._max_words
            and (self._spec.max_words is not None or len(kept) > self._spec.sentence_floor)
        ):
            kept.pop()
        return kept if self._words(kept) < self._prepared.words else []


def _repeats(sentence: ShownSentence, earlier: ShownSentence) -> bool:
    """Whether both sentences have the same origin, and mostly use the same part of it."""
    origin = sentence.checked.origin
    if origin is None or origin != earlier.checked.origin:
        return False
    shared = max(content_shared(sentence.text, earlier.text), content_shared(earlier.text, sentence.text))
    return shared >= _MAX_SHARED_CONTENT
