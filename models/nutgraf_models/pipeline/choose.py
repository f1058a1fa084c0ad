"""From what a model wrote to the sentences that are shown: whole, self-contained, and said by the article.

A sentence that the check doubts is not shown. What stands in for it is there already: another sentence of the model's,
or the article's own, shortened by rule. Nothing is decoded again.
"""

from collections.abc import Iterable, Iterator, Sequence

from nutgraf_models.checks.article_check import CheckedSentence
from nutgraf_models.checks.standalone import is_fragment, points_back
from nutgraf_models.checks.words import content_shared
from nutgraf_models.engines.base import Candidate
from nutgraf_models.extracts.main_point import main_point_scores
from nutgraf_models.extracts.own_sentences import UNFIT, is_piece
from nutgraf_models.extracts.shorten import shorten
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.pipeline import postprocess
from nutgraf_models.pipeline.extractive import NOTHING_FITS, Choice, ShownSentence, as_written, extract
from nutgraf_models.pipeline.prepared import Prepared
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import word_count

# Article sentences, from the first on, that may stand in where the one that a sentence was made from cannot.
_LEAD_SENTENCES = 8
# Of these, the ones that are sure to tell the main point.
_MAIN_SENTENCES = 2
# What it counts that a sentence tells what the model took for the main point: about as much as to be the first one.
_SAME_POINT = 3.0
# Article sentences that one of the model's may be behind the one before it, and still speak of what that does.
_REACH = 4
# A sentence that a summary can do without is shown only if it is surer than the main point has to be.
_SURE = 0.94
# Of two sentences from one article sentence, the second must have a third of its content words for itself.
_RETOLD = 2 / 3
_SHORT_WORDS = (6, 30)
_SHORT_EXCESS = 6
_LONGEST_SHORT = 45
_LONG_WORDS = (45, 75)
_LONG_SENTENCE_WORDS = 40


def choose(
    prepared: Prepared,
    spec: Spec,
    candidates: Sequence[Candidate],
    others: Sequence[Candidate] = (),
    instruction: str = "",
) -> Choice:
    """What is shown of a row's `candidates`, the likeliest first; `others` are those of the other length.

    Never empty. A summary that has nothing of the model's has the reason EXTRACTIVE and a warning.
    """
    written = [postprocess.whole_sentences(one.text, instruction) for one in candidates]
    tokens = max((one.token_count for one in candidates), default=0)
    reason = candidates[0].finish if candidates else FinishReason.STOP
    chooser = _Chooser(prepared, spec)
    if prepared.show_doubted:
        return as_written(prepared, spec, candidates, written, tokens)
    if spec.length is Length.SHORT:
        of_others = [postprocess.whole_sentences(one.text, instruction) for one in others]
        shown = chooser.short([sentences for sentences in [*written, *of_others] if sentences])
    else:
        firsts = [sentence for one in others for sentence in postprocess.whole_sentences(one.text, instruction)[:1]]
        shown = chooser.long(written[0] if written else [], firsts, [s for w in written[1:] for s in w])
    if not shown:
        return extract(prepared, spec, NOTHING_FITS, tokens)
    if all(one.from_article for one in shown):
        return Choice(tuple(shown), FinishReason.EXTRACTIVE, tokens, (NOTHING_FITS,))
    if reason is FinishReason.STOP and written and len(shown) < len(written[0]) and len(shown) == spec.sentence_cap:
        reason = FinishReason.CAP
    return Choice(tuple(shown), reason, tokens)


class _Chooser:
    def __init__(self, prepared: Prepared, spec: Spec) -> None:
        self._prepared = prepared
        self._spec = spec
        usual = _SHORT_WORDS[1] if spec.length is Length.SHORT else _LONG_WORDS[1]
        self._most = min(spec.max_words or usual, prepared.words - 1)
        self._scores = main_point_scores([sentence.text for sentence in prepared.sentences])

    def short(self, written: Sequence[Sequence[str]]) -> list[ShownSentence]:
        """One sentence: the first of each of `written`, in their order, or what comes nearest to them."""
        firsts = [self._check(sentences[0]) for sentences in written]
        by_model = [
            *(ShownSentence(one) for one in firsts),
            *(ShownSentence(self._check(shorten(one.text, self._most))) for one in firsts),
        ]
        # Of what is left, what tells the main point, by the article and by what the model took for it.
        others = [
            *(own for one in firsts for own in self._own(one.origin, self._most)),
            *self._leads(self._most, _LEAD_SENTENCES),
            *(ShownSentence(self._check(text)) for sentences in written for text in sentences[1:]),
        ]
        points = [one.text for one in firsts]
        others.sort(key=lambda one: -self._tells_main_point(one, points))
        least = min(_SHORT_WORDS[0], self._most // 2)
        # The main point in too many words is better than a detail in few.
        longer = self._most if self._spec.max_words is not None else self._most + _SHORT_EXCESS
        attempts = (
            (by_model, self._most),
            (by_model, longer),
            (others, self._most),
            (by_model, self._most if self._spec.max_words is not None else _LONGEST_SHORT),
            ([*by_model, *others], self._prepared.words - 1),
        )
        for options, most in attempts:
            for one in options:
                if least <= word_count(one.text) <= most and self._may_follow(one, []):
                    return [one]
        return []

    def long(self, sentences: Sequence[str], firsts: Sequence[str], others: Sequence[str]) -> list[ShownSentence]:
        """The sentences that may be shown; where too little is left, others, and then the article's own."""
        written = [ShownSentence(self._check(text)) for text in sentences]
        # The main point stands first, whoever tells it.
        openings = [
            *written[:1],
            *(ShownSentence(self._check(text)) for text in firsts),
            *(own for one in written[:1] for own in self._own(one.checked.origin, _LONG_SENTENCE_WORDS)),
            *self._leads(_LONG_SENTENCE_WORDS, _MAIN_SENTENCES),
            *written[1:],
            *self._leads(_LONG_SENTENCE_WORDS, _LEAD_SENTENCES),
        ]
        told = [one for one in openings if self._may_follow(one, [])][:1]
        doubted: list[CheckedSentence] = []
        for one in written:
            if self._may_follow(one, told):
                told.append(one)
            elif one not in told:
                doubted.append(one.checked)
        more = [
            *(ShownSentence(self._check(text)) for text in others),
            *(own for one in doubted for own in self._own(one.origin, _LONG_SENTENCE_WORDS)),
            *self._leads(_LONG_SENTENCE_WORDS, _LEAD_SENTENCES),
        ]
        for one in more:
            if not self._is_too_little(told):
                break
            if self._words([*told, one]) <= max(self._most, _LONG_WORDS[1]):
                told = self._with(told, one)
        return self._capped(self._with_decisive(self._capped(told)))

    def _tells_main_point(self, one: ShownSentence, points: Sequence[str]) -> float:
        origin = one.checked.origin
        score = self._scores[origin] if origin is not None and origin < len(self._scores) else min(self._scores)
        return score + _SAME_POINT * max((content_shared(point, one.text) for point in points), default=0.0)

    def _with_decisive(self, told: list[ShownSentence]) -> list[ShownSentence]:
        """The sentences with what decides a long story, in the place of the last if there is no room for more."""
        origins = {one.checked.origin for one in told}
        if not origins.isdisjoint(self._prepared.decisive):
            return told
        room = self._spec.sentence_cap - 1
        for own in (own for place in self._prepared.decisive for own in self._own(place, _LONG_SENTENCE_WORDS)):
            for kept in (told[:room], told[: room - 1]):
                longer = self._with(kept, own)
                if len(longer) > len(kept) and self._words(longer) <= self._most:
                    return longer
        return told

    def _with(self, told: list[ShownSentence], one: ShownSentence) -> list[ShownSentence]:
        """The sentences with another one, in the article's order if all can still be understood, else at the end."""
        origin = one.checked.origin
        later = [place for place, other in enumerate(told) if None not in (origin, other.checked.origin)]
        place = next((place for place in later if (told[place].checked.origin or 0) > (origin or 0)), len(told))
        for at in dict.fromkeys((place, len(told))):
            longer = [*told[:at], one, *told[at:]]
            if all(self._may_follow(other, longer[:number]) for number, other in enumerate(longer)):
                return longer
        return told

    def _may_follow(self, one: ShownSentence, told: Sequence[ShownSentence]) -> bool:
        """Whether a sentence is supported, whole, says something new, and can be understood behind those told."""
        before = " ".join(earlier.text for earlier in told)
        checked = [earlier.checked for earlier in told]
        # What the article has in another place speaks of what stood before it there.
        origins = [sentence.checked.origin for sentence in (*told[-1:], one)]
        reach = 1 if one.from_article else _REACH
        follows = bool(told) and None not in origins and 0 <= (origins[1] or 0) - (origins[0] or 0) <= reach
        return (
            not (is_piece(one.text) if one.from_article else is_fragment(one.text))
            and one.checked.is_supported
            and (not told or one.checked.support >= _SURE)
            and not points_back(one.text, before if follows else "")
            and self._prepared.check.still_means(one.checked, checked)
            and self._prepared.check.introduces(one.checked, checked)
            and not any(_retells(one, earlier) for earlier in told)
            and len(postprocess.distinct([*(earlier.text for earlier in told), one.text])) > len(told)
        )

    def _own(self, place: int | None, most: int) -> Iterator[ShownSentence]:
        """The article sentence at a place, shortened; none if there is none, or it is no sentence."""
        if place is None or place >= len(self._prepared.sentences):
            return
        sentence = self._prepared.sentences[place]
        if sentence.is_complete and not UNFIT.search(sentence.text):
            yield ShownSentence(self._check(shorten(sentence.text, most)), from_article=True)

    def _leads(self, most: int, count: int) -> list[ShownSentence]:
        """The article's first sentences, shortened."""
        return [own for place in range(count) for own in self._own(place, most)]

    def _check(self, text: str) -> CheckedSentence:
        return self._prepared.check.check(text)

    def _words(self, told: Iterable[ShownSentence]) -> int:
        return sum(word_count(one.text) for one in told)

    def _is_too_little(self, told: Sequence[ShownSentence]) -> bool:
        few_words = self._words(told) < min(_LONG_WORDS[0], self._most // 2)
        return len(told) < self._spec.sentence_floor or (few_words and len(told) < min(3, self._spec.sentence_cap))

    def _capped(self, told: list[ShownSentence]) -> list[ShownSentence]:
        """The leading sentences within the caps; the first in any case, unless the article is no longer."""
        kept = told[: self._spec.sentence_cap]
        while (
            len(kept) > 1
            and self._words(kept) > self._most
            and (self._spec.max_words is not None or len(kept) > self._spec.sentence_floor)
        ):
            kept.pop()
        return kept if self._words(kept) < self._prepared.words else []


def _retells(sentence: ShownSentence, earlier: ShownSentence) -> bool:
    """Whether both were made from one article sentence, and mostly from the same part of it."""
    origin = sentence.checked.origin
    if origin is None or origin != earlier.checked.origin:
        return False
    return content_shared(sentence.text, earlier.text) >= _RETOLD
