"""Which sentences of the article support a sentence of its summary, by the words that they share."""

import re
from collections import defaultdict

from nutgraf_models.normalize import NormalizedText
from nutgraf_models.results import Evidence, Span
from nutgraf_models.sentences import Sentence

MAX_PASSAGES = 3
_MIN_GAIN = 0.05
_NAME_OR_NUMBER_WEIGHT = 3.0
_WORD = re.compile(r"\w+(?:[.,'’-]\w+)*")
_STOP_WORDS = frozenset(
    "a about after all also an and any are as at be been before being between both but by can could did do does for "
    "from had has have he her his how i if in into is it its may more most no not of on one or other our out over "
    "said say says she should so some such than that the their them then there these they this those to under up was "
    "we were what when where which while who will with would you your".split()
)


class EvidenceIndex:
    """The sentences of an article by their content words, for aligning sentences of summaries with them."""

    def __init__(self, article: NormalizedText, sentences: list[Sentence]) -> None:
        self._article = article
        self._sentences = sentences
        self._found_in: dict[str, set[int]] = defaultdict(set)
        for index, sentence in enumerate(sentences):
            for word in _content(sentence.text):
                self._found_in[word].add(index)

    def align(self, summary_sentence: str) -> tuple[tuple[Evidence, ...], float]:
        """The passages that support the sentence, the best first, and the support that they give together.

        Support is the weighted share of the sentence's content words that the passages contain, 0 to 1; a name or
        number weighs three times what another word does. Passages are chosen greedily, each for what the ones before
        it lack, and at most `MAX_PASSAGES` of them. A sentence without content words has no evidence and support 0.
        """
        weights = _content(summary_sentence)
        total = sum(weights.values())
        if not total:
            return (), 0.0
        missing = dict(weights)
        passages: list[Evidence] = []
        chosen: set[int] = set()
        while missing and len(passages) < MAX_PASSAGES:
            gains: dict[int, float] = defaultdict(float)
            for word, weight in missing.items():
                for index in self._found_in.get(word, ()):
                    gains[index] += weight
            # Of equals, the earlier sentence: news puts first what matters.
            best = max(gains, key=lambda index: (gains[index], -index), default=None)
            if best is None or gains[best] / total < _MIN_GAIN or best in chosen:
                break
            chosen.add(best)
            here = {word: weight for word, weight in weights.items() if best in self._found_in.get(word, ())}
            sentence = self._sentences[best]
            span = Span(*self._article.source_span(sentence.start, sentence.end))
            passages.append(Evidence(span, sum(here.values()) / total))
            missing = {word: weight for word, weight in missing.items() if word not in here}
        passages.sort(key=lambda passage: passage.score, reverse=True)
        return tuple(passages), 1.0 - sum(missing.values()) / total


def _content(sentence: str) -> dict[str, float]:
    """Content words in a common form, and their weights."""
    weights: dict[str, float] = {}
    for match in _WORD.finditer(sentence):
        word = match.group()
        form = word.casefold().replace("’", "'").replace(",", "")
        if form.endswith("'s"):
            form = form[:-2]
        if form in _STOP_WORDS:
            continue
        is_special = word[0].isdigit() or (word[0].isupper() and match.start() > 0)
        if form.isalpha() and len(form) > 4:
            # A light stemmer: inflected forms of a word should meet.
            form = re.sub(r"(?:ing|ies|ied|es|ed|s|e|y)$", "", form)
        weights[form] = max(weights.get(form, 0.0), _NAME_OR_NUMBER_WEIGHT if is_special else 1.0)
    return weights
