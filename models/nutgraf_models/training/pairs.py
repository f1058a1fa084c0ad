"""Training pairs out of public summarisation data: clean, of the right length, and saying only what the article says.

Most references of XSum name somebody or something that the article lacks, and a model trained on them learns to
invent (Maynez et al. 2020, "On Faithfulness and Factuality in Abstractive Summarization"). A SHORT with few such words
stays, and training leaves those words out of the loss; others are left out (as in Nan et al. 2021, "Entity-level
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
# Of the content words of a reference sentence, so many must stand in the article: below, it is told from other sources.
MIN_COVERAGE = 0.45
# A SHORT may have so many words that claim a name or number without support; they are not learned.
MAX_UNLEARNED = 4
# The Dice coefficient of content words from which an article's sentence can stand in for a reference's.
MIN_CLOSENESS = 0.35
# The article must be worth summarising; training reads no more of it than this, to whole sentences.
MIN_ARTICLE_WORDS = 60
MAX_ARTICLE_WORDS = 300
# Articles with references that were written for training are read as they are sent, headline, dateline and all.
MAX_WRITTEN_WORDS = 850

# A sentence that stands alone does not begin by pointing back.
_POINTS_BACK = re.compile(r"(?:he|she|it|they|his|her|their|its|this|these|but|and|also)\b", re.I)
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Professor|Sir|Dame|Lord|Lady|Judge|PC|Sgt|Sergeant|Inspector|Constable)\.?"
# Calls to the reader, broken characters, quotation marks that lost their partner, columnists' "Name: opinion".
_NO_REFERENCE = re.compile(
    r"click here|scroll down|\bvideo\b|\bnn$|\ufffd|\?\w|e-mail|www\.|http|\b(?:here|above|below)\.$"
    r"|^(?:was|were|is|are|has|have|had)\b|\w '(?= |\.|,)|^(?:[A-Z][\w'’-]+ ){1,3}?[A-Z]?[\w'’-]*: "
    r"|^(?:including|plus)\b",
    re.I,
)


@dataclass(frozen=True)
class Pair:
    """An article and what the model should answer for each length that has a usable reference.

    `short_rejected` and `long_rejected`: what it should not answer, if that is known.
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
    """What two copies of a clean article have in common: its first words."""
    return " ".join(re.findall(r"\w+", article.casefold())[:24])


def make_pairs(rows: Sequence[ReferenceRow], dropped: Counter[str], held_out: Collection[str] = ()) -> Iterator[Pair]:
    """The usable pairs of `rows`, each article once; counts the others.

    None has an article whose key is in `held_out`. A reference of one sentence is a SHORT. One of several is a LONG,
    and its first sentence a SHORT; so is a headline.
    """
    truecase = Truecaser(row.article for row in rows if not _is_lower(row.article))
    seen: set[str] = set()
    for row in rows:
        if row.short or row.long:
            # Written for training: true, and of the right length. Known by the article as it is, however it is dressed.
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
    """The first sentences of `article`, of `max_words` words together."""
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
    return sentence if _is_told(sentence, article, dropped, MAX_UNLEARNED) else ""


def _without_first_names(sentence: str, article: str) -> str:
    """Drops a first name that the article lacks where it has "Mrs" or another title: "Ida Fenn" for its "Mrs Fenn"."""
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
    """The first sentences of a reference; for one that the article does not support, what the article says instead."""
    told: list[str] = []
    stand_ins = 0
    for sentence in sentences[: LONG_SENTENCES[1]]:
        if not _is_told(sentence, article, Counter()):
            sentence = _closest(sentence, article, told)
            stand_ins += bool(sentence)
        if sentence and word_count(" ".join([*told, sentence])) <= LONG_WORDS[1]:
            told.append(sentence)
    if len(told) < LONG_SENTENCES[0] or stand_ins > len(told) / 2:
        dropped["long reference with too few sentences that the article supports"] += 1
        return ""
    text = " ".join(told)
    if word_count(text) < LONG_WORDS[0] or _POINTS_BACK.match(text):
        dropped["long reference too short, or points back"] += 1
        return ""
    return text


def _closest(sentence: str, article: str, told: list[str]) -> str:
    """The article's sentence that has most words in common with `sentence`; nothing if that is little."""
    wanted = set(content_words(sentence))
    best, best_score = "", MIN_CLOSENESS
    for one in split(article):
        words = set(content_words(one.text))
        if not 6 <= word_count(one.text) <= SHORT_WORDS[1] or one.text in told or not words:
            continue
        score = 2 * len(wanted & words) / (len(wanted) + len(words))
        if score >= best_score and one.is_complete and _is_told(one.text, article, Counter()):
            best, best_score = one.text, score
    return best


def _is_told(sentence: str, article: str, dropped: Counter[str], lacking: int = 0) -> bool:
    """Whether `sentence` is one, and the article has its names and numbers but `lacking`, and most of its words."""
    if (
        _NO_REFERENCE.search(sentence)
        or sentence.count('"') % 2
        or sentence == sentence.lower()
        or word_count(sentence) < 4
    ):
        dropped["not a sentence about the story"] += 1
        return False
    if len(unsupported_words(sentence, article)) > lacking:
        dropped["name or number that the article lacks"] += 1
        return False
    if content_coverage(sentence, article) < MIN_COVERAGE:
        dropped["told in other words throughout"] += 1
        return False
    return True


def count(pairs: Sequence[Pair]) -> str:
    short, long = (having(pairs, length) for length in ("short", "long"))
    return f"{len(pairs)} articles with {short} short and {long} long summaries"


def having(pairs: Sequence[Pair], length: str) -> int:
    """How many of `pairs` have an answer of a length, "short" or "long"."""
    return sum(bool(getattr(pair, length)) for pair in pairs)


def write_pairs(pairs: Iterable[Pair], file: Path) -> None:
    with file.open("w", encoding="utf-8") as out:
        for pair in pairs:
            out.write(json.dumps(asdict(pair), ensure_ascii=False) + "\n")


def read_pairs(file: Path) -> list[Pair]:
    """What `write_pairs` wrote."""
    return [Pair(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
