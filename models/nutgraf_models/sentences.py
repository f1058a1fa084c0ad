"""Sentences and words, as everything else here counts them."""

import re
from dataclasses import dataclass

import sentencex

# What may end a sentence, and what may stand after it.
_END = re.compile(r"[.!?…。！？؟।][\"'”’»›)\]]*$")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
_PARAGRAPH = re.compile(r"[^\n]+")


@dataclass(frozen=True)
class Sentence:
    """`text` is `whole[start:end]`, without white space around it. Positions count code points."""

    text: str
    start: int
    end: int

    @property
    def is_complete(self) -> bool:
        return is_complete(self.text)


def split(text: str, language: str = "en") -> list[Sentence]:
    """The sentences of `text`, in order. A line break always ends one; a line without a full stop is one too."""
    sentences = []
    for paragraph in _PARAGRAPH.finditer(text):
        position = paragraph.start()
        for piece in sentencex.segment(language, paragraph.group()):
            body = piece.strip()
            if not body:
                continue
            start = text.index(body, position)
            position = start + len(body)
            sentences.append(Sentence(body, start, position))
    return sentences


def is_complete(sentence: str) -> bool:
    """Whether `sentence` ends as a sentence does."""
    return bool(_END.search(sentence))


def word_count(text: str) -> int:
    """Words, as a word processor counts them: what white space keeps apart, and each Chinese or Japanese character."""
    return len(_WORD.findall(text))
