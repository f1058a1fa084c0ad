"""From what a model wrote to whole sentences that may be shown."""

import re
from itertools import pairwise

from nutgraf_models.lengths import Spec
from nutgraf_models.text.sentences import has_words, is_complete, real_words, split, word_count

_NEAR_DUPLICATE = 0.8
# An earlier sentence goes only if a later one has next to all of it.
_OUTDONE = 0.9
# What chat models say before they begin: "Here is a summary of the article:", and not "Summary judgment was granted:".
_HERE = (
    r"here(?: is| are|['’]s)\b[^:\n]{0,60}\b(?:summar\w+|(?:one|two|three|four|few|single|short)[- ]sentences?)\b"
    r"[^:\n]{0,60}:"
)
_HEADED = (
    r"(?:(?:the|a|in|short|long|brief|one-sentence)\s)*summary\W{0,3}"
    r"(?:of (?:the|this) (?:\w+ )?(?:article|story|text|news|passage)\W{0,3})?:"
)
_PREAMBLE = re.compile(
    r"^\W{0,3}(?:(?:sure|certainly|of course|okay)(?:[!:]|[,.](?= here))\s*"
    rf"(?:{_HERE}|{_HEADED})?|{_HERE}|{_HEADED})\s*",
    re.I,
)
# List marks at the start of a line.
_LIST_MARK = re.compile(r"^[ \t]*(?:[-*•–]|\d{1,2}[.)])[ \t]+", re.M)
_MARKUP = re.compile(r"\*\*|__|^#+[ \t]*", re.M)
_WORD = re.compile(r"\w+")


def whole_sentences(text: str, instruction: str = "") -> list[str]:
    """The complete sentences of a candidate, each once, in order.

    Drops a preamble, list marks and markup, an unfinished last sentence, a sentence that says what an earlier one
    said, and one that repeats the model's `instruction`.
    """
    # PEGASUS writes its line breaks as a token.
    text = text.replace("<n>", "\n").strip()
    text = _MARKUP.sub("", _LIST_MARK.sub("", _PREAMBLE.sub("", text)))
    sentences = [
        one.text for one in split(text) if one.is_complete and has_words(one.text) and one.text not in instruction
    ]
    return distinct(sentences)


def distinct(sentences: list[str]) -> list[str]:
    """The sentences without those that say what another says: of two, the first, or the one that says more."""
    kept: list[str] = []
    seen: list[frozenset[str]] = []
    for sentence in sentences:
        words = frozenset(_WORD.findall(sentence.casefold()))
        if not words or any(_said_by(words, earlier) >= _NEAR_DUPLICATE for earlier in seen):
            continue
        outdone = next((place for place, earlier in enumerate(seen) if _said_by(earlier, words) >= _OUTDONE), None)
        if outdone is None:
            kept.append(sentence)
            seen.append(words)
        else:
            kept[outdone], seen[outdone] = sentence, words
    return kept


def cap(sentences: list[str], spec: Spec, article_words: int) -> list[str]:
    """The leading sentences that keep to the caps of `spec` and are fewer words than the article; may be none."""
    most = article_words - 1
    if spec.max_words is not None:
        most = min(most, spec.max_words)
    kept: list[str] = []
    for sentence in sentences[: spec.sentence_cap]:
        most -= word_count(sentence)
        if most < 0:
            break
        kept.append(sentence)
    return kept


def cut_short(sentence: str, max_words: int) -> str:
    """The first words of a sentence that never ends, with an ellipsis.

    From the first on that are words: what stands before may be numbers and signs alone.
    """
    words = sentence.split()
    if len(words) <= max_words and is_complete(sentence):
        return sentence
    start = 0
    # Pieces of one word, by their places; of one that has two, twice.
    real = [place for place, word in enumerate(words) for _ in range(min(2, real_words(word)))]
    if not has_words(" ".join(words[:max_words])):
        start = next((one for one, other in pairwise(real) if other - one < max_words), 0)
    words = words[start:]
    return " ".join(words[:max_words])[:1000].rstrip(" ,;:-–—") + " …"


def _said_by(sentence: frozenset[str], other: frozenset[str]) -> float:
    """The share of a sentence's words that another one has."""
    return len(sentence & other) / len(sentence)
