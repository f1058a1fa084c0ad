"""Training pairs from public summarisation data: clean, of the right length, and supported by the article.

Most references of XSum contain names that the article lacks, and a model trained on them learns to hallucinate (Maynez
et al. 2020, "On Faithfulness and Factuality in Abstractive Summarization"). A SHORT with few such words is kept, and
training excludes those words from the loss; other such references are dropped (as in Nan et al. 2021, "Entity-level
Factual Consistency of Abstractive Text Summarization").
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from nutgraf_models.evaluation.reference_check import content_coverage, content_words, unsupported_words
from nutgraf_models.evaluation.references import ReferenceRow
from nutgraf_models.lengths import Length
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split, word_count
from nutgraf_models.training.clean import Truecaser, clean_article, clean_reference
from nutgraf_models.training.dress import dress

SHORT_WORDS = (12, 35)
LONG_WORDS = (20, 90)
LONG_SENTENCES = (2, 4)
# Minimum share of a reference sentence's content words in the article; below, it comes from other sources.
MIN_COVERAGE = 0.45
# Maximum number of unsupported names and numbers in a SHORT; they are excluded from the loss.
MAX_UNLEARNED = 4
# Minimum Dice coefficient of content words for replacing a reference sentence by an article sentence.
MIN_CLOSENESS = 0.35
# Shorter articles are dropped; longer ones are cut at a sentence boundary.
MIN_ARTICLE_WORDS = 60
MAX_ARTICLE_WORDS = 300
# Articles with references written for training keep headline, dateline and the like.
MAX_WRITTEN_WORDS = 850

# Opening words that refer to a previous sentence.
_POINTS_BACK = re.compile(r"(?:he|she|it|they|his|her|their|its|this|these|but|and|also)\b", re.I)
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Dame|Lord|Lady|Judge|PC|Sgt|Sergeant|Inspector|Constable)\.?"
# Calls to the reader, broken characters, unpaired quotation marks, columnists' "Name: opinion".
_NOT_A_REFERENCE = re.compile(
    r"click here|scroll down|\bvideo\b|\bnn$|\ufffd|\?\w|e-mail|www\.|http|\b(?:here|above|below)\.$"
    r"|^(?:was|were|is|are|has|have|had)\b|\w '(?= |\.|,)|^(?:[A-Z][\w'’-]+ ){1,3}?[A-Z]?[\w'’-]*: "
    r"|^(?:including|plus)\b",
    re.I,
)


@dataclass(frozen=True)
class Pair:
    """An article and the target answer for each length that has a usable reference.

    `short_rejected` and `long_rejected`: known bad answers, if any.
    """

    id: str
    article: str
    short: str = ""
    long: str = ""
    source: str = ""
    short_rejected: str = ""
    long_rejected: str = ""

    @property
    def key(self) -> str:
        return article_key(self.article)

    def answers(self) -> dict[Length, str]:
        both = {Length.SHORT: self.short, Length.LONG: self.long}
        return {length: text for length, text in both.items() if text}

    def rejected(self) -> dict[Length, str]:
        both = {Length.SHORT: self.short_rejected, Length.LONG: self.long_rejected}
        return {length: text for length, text in both.items() if text and length in self.answers()}


def article_key(article: str) -> str:
    """A key for finding duplicates: the first words of a clean article."""
    return " ".join(re.findall(r"\w+", article.casefold())[:24])


def make_pairs(rows: Sequence[ReferenceRow], dropped: Counter[str], held_out: Collection[str] = ()) -> Iterator[Pair]:
    """The usable pairs of `rows`, without duplicate and `held_out` articles; counts the reasons for `dropped` ones.

    A reference of one sentence becomes a SHORT. A longer one becomes a LONG, and its first sentence or the headline a
    SHORT.
    """
    truecase = Truecaser(row.article for row in rows if not _is_lower(row.article))
    seen: set[str] = set()
    for row in rows:
        if row.short or row.long:
            # Written for training, so already supported and of the right length. The key is of the undressed article.
            key = article_key(clean_article(row.article))
            if key in seen or key in held_out:
                dropped["article seen before" if key in seen else "article held out"] += 1
            else:
                seen.add(key)
                article = normalize(dress(row.article, row.headline, row.id)).text
                article = _leading(article, MAX_WRITTEN_WORDS)
                yield Pair(row.id, article, row.short, row.long, row.source, row.short_rejected, row.long_rejected)
            continue
        article, reference = clean_article(row.article), row.reference
        if _is_lower(article):
            article = truecase(article)
        if _is_lower(reference):
            reference = truecase(reference)
        article = _leading(article, MAX_ARTICLE_WORDS)
        key = article_key(article)
        if key in seen or key in held_out:
            dropped["article seen before" if key in seen else "article held out"] += 1
            continue
        seen.add(key)
        if word_count(article) < MIN_ARTICLE_WORDS:
            dropped["article too short"] += 1
            continue
        sentences = clean_reference(reference)
        short = long = ""
        if len(sentences) > 1:
            long = _long(sentences, article, dropped)
        if sentences:
            short = _short(sentences[0], article, dropped)
        headline = clean_reference(row.headline)
        if not short and len(headline) == 1 and not re.search(r"[:?'\"]", headline[0]):
            short = _short(headline[0], article, Counter())
        if short or long:
            yield Pair(row.id, article, short, long, row.source)


def _is_lower(text: str) -> bool:
    return text == text.lower()


def _leading(article: str, max_words: int) -> str:
    """The first sentences of `article`, up to `max_words` words."""
    end = words = 0
    for sentence in split(article):
        words += word_count(sentence.text)
        if words > max_words and end:
            break
        end = sentence.end
    return article[:end]


def _short(sentence: str, article: str, dropped: Counter[str]) -> str:
    if not SHORT_WORDS[0] <= word_count(sentence) <= SHORT_WORDS[1]:
        dropped["short reference too short or too long"] += 1
        return ""
    if _POINTS_BACK.match(sentence):
        dropped["short reference that points back"] += 1
        return ""
    sentence = _without_first_names(sentence, article)
    return sentence if _is_supported(sentence, article, dropped, MAX_UNLEARNED) else ""


def _without_first_names(sentence: str, article: str) -> str:
    """Drops first names that the article lacks if it uses a title: "Ida Fenn" becomes "Fenn" for "Mrs Fenn"."""
    lacking = set(unsupported_words(sentence, article))
    words = sentence.split(" ")
    kept = [
        word
        for word, following in zip(words, [*words[1:], ""], strict=True)
        if not (word in lacking and word[1:].islower() and _has_title(following, article))
    ]
    text = " ".join(kept)
    return text[:1].upper() + text[1:]


def _has_title(word: str, article: str) -> bool:
    name = re.match(r"[A-Z][\w-]+", word)
    return name is not None and re.search(rf"\b{_TITLE} {name.group()}\b", article) is not None


def _long(sentences: list[str], article: str, dropped: Counter[str]) -> str:
    """The first sentences of a reference; unsupported ones are replaced by the closest article sentences."""
    kept: list[str] = []
    replaced = 0
    for sentence in sentences[: LONG_SENTENCES[1]]:
        if not _is_supported(sentence, article, Counter()):
            sentence = _closest(sentence, article, kept)
            replaced += bool(sentence)
        if sentence and word_count(" ".join([*kept, sentence])) <= LONG_WORDS[1]:
            kept.append(sentence)
    if len(kept) < LONG_SENTENCES[0] or replaced > len(kept) / 2:
        dropped["long reference with too few supported sentences"] += 1
        return ""
    text = " ".join(kept)
    if word_count(text) < LONG_WORDS[0] or _POINTS_BACK.match(text):
        dropped["long reference too short, or points back"] += 1
        return ""
    return text


def _closest(sentence: str, article: str, kept: list[str]) -> str:
    """The supported article sentence most similar to `sentence` and not yet `kept`; empty if none is close."""
    wanted = set(content_words(sentence))
    best, best_score = "", MIN_CLOSENESS
    for candidate in split(article):
        words = set(content_words(candidate.text))
        if not 6 <= word_count(candidate.text) <= SHORT_WORDS[1] or candidate.text in kept or not words:
            continue
        score = 2 * len(wanted & words) / (len(wanted) + len(words))
        if score >= best_score and candidate.is_complete and _is_supported(candidate.text, article, Counter()):
            best, best_score = candidate.text, score
    return best


def _is_supported(sentence: str, article: str, dropped: Counter[str], max_unsupported: int = 0) -> bool:
    """Whether this is a sentence whose names, numbers and content words the article supports."""
    if (
        _NOT_A_REFERENCE.search(sentence)
        or sentence.count('"') % 2
        or sentence == sentence.lower()
        or word_count(sentence) < 4
    ):
        dropped["not a sentence about the story"] += 1
        return False
    if len(unsupported_words(sentence, article)) > max_unsupported:
        dropped["name or number that the article lacks"] += 1
        return False
    if content_coverage(sentence, article) < MIN_COVERAGE:
        dropped["too few words in common with the article"] += 1
        return False
    return True


def describe(pairs: Sequence[Pair]) -> str:
    short, long = (count_answers(pairs, length) for length in ("short", "long"))
    return f"{len(pairs)} articles with {short} short and {long} long summaries"


def count_answers(pairs: Sequence[Pair], length: str) -> int:
    """The number of `pairs` with an answer of a length, "short" or "long"."""
    return sum(bool(getattr(pair, length)) for pair in pairs)


def write_pairs(pairs: Iterable[Pair], file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        for pair in pairs:
            out.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


def read_pairs(file: Path) -> list[Pair]:
    """Reads a file from `write_pairs`."""
    return [Pair(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
