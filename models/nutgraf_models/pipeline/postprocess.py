"""Cleaning of model output: complete sentences, without preambles, markup and repetition."""

import re
from itertools import pairwise

from nutgraf_models.lengths import Spec
from nutgraf_models.text.sentences import has_words, is_complete, real_words, split, word_count

_NEAR_DUPLICATE = 0.8
# Share of an earlier sentence's words that a later one needs in order to replace it.
_SUPERSEDED = 0.9
# Preambles of chat models: "Here is a summary of the article:", but not "Summary judgment was granted:".
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
_LIST_MARK = re.compile(r"^[ \t]*(?:[-*•–]|\d{1,2}[.)])[ \t]+", re.M)
_MARKUP = re.compile(r"\*\*|__|^#+[ \t]*", re.M)
_WORD = re.compile(r"\w+")


def whole_sentences(text: str, instruction: str = "") -> list[str]:
    """The complete, distinct sentences of a candidate, in order.

    Removes a preamble, list marks, markup, an unfinished last sentence, near-duplicates, and sentences that repeat the
    prompt's `instruction`.
    """
    # PEGASUS writes line breaks as a token.
    text = text.replace("<n>", "\n").strip()
    text = _MARKUP.sub("", _LIST_MARK.sub("", _PREAMBLE.sub("", text)))
    sentences = [
        sentence.text
        for sentence in split(text)
        if sentence.is_complete and has_words(sentence.text) and sentence.text not in instruction
    ]
    return distinct(sentences)


def distinct(sentences: list[str]) -> list[str]:
    """Removes near-duplicates: of two, the first is kept, unless the second contains nearly all of it."""
    kept: list[str] = []
    seen: list[frozenset[str]] = []
    for sentence in sentences:
        words = frozenset(_WORD.findall(sentence.casefold()))
        if not words or any(_share_in(words, earlier) >= _NEAR_DUPLICATE for earlier in seen):
            continue
        superseded = next(
            (index for index, earlier in enumerate(seen) if _share_in(earlier, words) >= _SUPERSEDED), None
        )
        if superseded is None:
            kept.append(sentence)
            seen.append(words)
        else:
            kept[superseded], seen[superseded] = sentence, words
    return kept


def cap(sentences: list[str], spec: Spec, article_words: int) -> list[str]:
    """The leading sentences within the caps of `spec` and shorter than the article; may be empty."""
    words_left = article_words - 1
    if spec.max_words is not None:
        words_left = min(words_left, spec.max_words)
    kept: list[str] = []
    for sentence in sentences[: spec.sentence_cap]:
        words_left -= word_count(sentence)
        if words_left < 0:
            break
        kept.append(sentence)
    return kept


def cut_short(sentence: str, max_words: int) -> str:
    """The first `max_words` words of a long or unfinished sentence, with an ellipsis.

    Leading tokens that are only numbers and symbols are skipped if the result would contain nothing else.
    """
    words = sentence.split()
    if len(words) <= max_words and is_complete(sentence):
        return sentence
    start = 0
    # Indexes of the tokens that contain a word; twice if a token contains two.
    with_words = [index for index, word in enumerate(words) for _ in range(min(2, real_words(word)))]
    if not has_words(" ".join(words[:max_words])):
        start = next((first for first, second in pairwise(with_words) if second - first < max_words), 0)
    words = words[start:]
    return " ".join(words[:max_words])[:1000].rstrip(" ,;:-–—") + " …"


def _share_in(sentence: frozenset[str], other: frozenset[str]) -> float:
    """The share of a sentence's words that `other` contains."""
    return len(sentence & other) / len(sentence)
