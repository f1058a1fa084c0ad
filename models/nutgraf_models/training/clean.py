"""Cleaning of public summarisation data."""

import re
from collections import Counter
from collections.abc import Iterable

from nutgraf_models.text.detokenize import joined
from nutgraf_models.text.mapped_text import MappedText
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import is_complete, split

# Penn Treebank notation for brackets.
_TREEBANK = {"-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]"}
_TREEBANK_MARK = re.compile("|".join(re.escape(mark) for mark in _TREEBANK), re.I)

# Datelines, bylines and times of publication before the story.
_DATELINE = re.compile(
    r"^(?:[A-Z][A-Za-z.\-' ]{1,30}(?:, [A-Z][A-Za-z.\-' ]{1,30}){0,2},? )?"
    r"\((?:CNN|CNN Student News|AP|Reuters|AFP|PTI)\)"
    r"[ \t]*(?:[-–—]{1,2}[ \t]*)?"
)
_BYLINE = re.compile(r"^(?:By\b\.? ?[^.\n]{2,60}\.? (?=PUBLISHED)|By\. [^.]{2,60}\. )", re.I)
_STAMP = re.compile(
    r"^\.? ?(?:PUBLISHED|UPDATED|Last updated(?: at)?|CREATED):?[. ]+\d.{5,50}?\b(?:19|20)\d\d\b[. ]*\|?[. ]*", re.I
)

_ANY_WORD = re.compile(r"[^\W\d_]{2,}")
# A word within a sentence, whose case does not come from its position.
_INNER_WORD = re.compile(r"(?<=[^\W\d_] )[^\W\d_]{2,}")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?] )|(?<=[.!?] [\"']))[a-z]", re.M)


def detokenize(text: str) -> str:
    """Joins punctuation that a tokeniser has separated. Untokenised text is returned unchanged."""
    text = _TREEBANK_MARK.sub(lambda match: _TREEBANK[match.group().lower()], text)
    return joined(MappedText.of(text)).text


def strip_header(article: str) -> str:
    """The article without dateline, byline and times of publication."""
    article = article.strip()
    for _ in range(4):
        shorter = _DATELINE.sub("", _STAMP.sub("", _BYLINE.sub("", article))).lstrip(" .|-–—\n")
        if shorter == article:
            break
        article = shorter
    return article


class Truecaser:
    """Restores the most frequent case of lower-cased words (Lita et al. 2003, "tRuEcasIng", unigrams)."""

    def __init__(self, texts: Iterable[str]) -> None:
        counts: dict[str, Counter[str]] = {}
        for text in texts:
            for match in _INNER_WORD.finditer(text):
                counts.setdefault(match.group().lower(), Counter())[match.group()] += 1
        self._case = {lower: forms.most_common(1)[0][0] for lower, forms in counts.items()}

    def __call__(self, text: str) -> str:
        text = _ANY_WORD.sub(lambda match: self._case.get(match.group(), match.group()), text)
        return _SENTENCE_START.sub(lambda match: match.group().upper(), text)


def clean_article(text: str) -> str:
    """The article, normalised as in serving."""
    return normalize(strip_header(detokenize(text))).text


def clean_reference(text: str) -> list[str]:
    """The sentences of a reference, one per line, each with a capital letter and a full stop."""
    lines = [normalize(line).text for line in text.splitlines()]
    # Highlights end with a separate full stop (" ."), which also separates those joined on one line.
    joined = "\n".join(re.sub(r" \.(?= [A-Z\"'])", " .\n", line) for line in lines if line)
    sentences = []
    for sentence in split(detokenize(joined)):
        body = re.sub(r"^(?:NEW|UPDATE): ", "", sentence.text.strip(" -–—•*"))
        if not body:
            continue
        if not is_complete(body):
            body = body.rstrip(" ,;:") + "."
        sentences.append(body[0].upper() + body[1:])
    return sentences
