"""Recall and precision of the term checks, on summaries with planted errors; also evidence and dropped lines.

    python tests/benchmarks/checker.py DATA.jsonl... --half report [--labels LABELS.jsonl...]

A third of the summaries each is a sentence of the article, a paraphrase of one (`paraphrase.py`), or a sentence of the
reference without findings by `plain_check`. One value is replaced by one of the same kind from another article: a
number, a date, a name or a quotation; or, for "mixed", by the first name of another person in the article. A planted
value is one that the article lacks in any form, as far as this file can tell, which shares no code with the checks.
"near_number" and "near_name" are easily confused with the article's own (`near.py`): a number that it has in another
unit, a score from two other numbers, a name that it has as a lower-case word, or a similar spelling. "other_count" is a
number by which the article counts something else.

A finding that overlaps the planted value is right; any other of that kind is wrong. Articles are split into halves by
id: `tune` is for developing the checks, `report` for figures.

With `--labels`, also evaluates the check as a whole on summaries judged by people (`statements.py`).
"""

import argparse
import random
import re
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from near import near_names, near_numbers, other_counts
from paraphrase import MONTHS, TENS, WORDS, paraphrase, shorten
from statements import measure_labels

from nutgraf_models.checks.evidence import EvidenceIndex
from nutgraf_models.checks.terms import TermIndex
from nutgraf_models.evaluation.reference_check import content_coverage, unsupported_words
from nutgraf_models.evaluation.references import ReferenceRow, read_references
from nutgraf_models.results import TermKind
from nutgraf_models.text.boilerplate import story_lines
from nutgraf_models.text.language import detect
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import Sentence, split
from nutgraf_models.training.clean import clean_article, clean_reference

TUNE, REPORT = "tune", "report"
WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
# The kinds of findings that are compared with each kind of planted value.
KINDS = {
    "number": TermKind.NUMBER,
    "date": TermKind.NUMBER,
    "name": TermKind.NAME,
    "mixed": TermKind.NAME,
    "near_number": TermKind.NUMBER,
    "near_name": TermKind.NAME,
    "other_count": TermKind.NUMBER,
    "quotation": TermKind.QUOTATION,
}
MAX_ARTICLE_WORDS = 800

_NUMBER = re.compile(
    r"(?<![\w.,:/–-])(?<![\w.,:/–-][£$€])\d[\d,]*(?:\.\d+)?(?![\d/:–-]|[.,]\d| ?[ap]\.?m\b|\w*['’]?\w*-\d)"
)
_NUMBER_WORD = re.compile(rf"(?<![\w-])({'|'.join(WORDS[2:])}|{'|'.join(TENS)})(?![\w-]| (?:hundred|and a half))")
_NAME = re.compile(r"(?<![\w'’.-])[A-Z][\w-]+(?: [A-Z][\w-]+){0,2}(?![\w-]|\.\w)")
_QUOTATION = re.compile(r'(?<!\S)"((?=\w)[^"\n]{15,200}(?<=[\w.,!?]))"(?!\w)')
_COURTESY = frozenset("Mr Mrs Ms Miss Dr Sir Dame Lord Lady Prof".split())
# Synonyms in addition to `paraphrase.EXPANSIONS`.
_SAME = [r"US\b|USA\b|America|United States|U\.S\.", r"UK\b|Brit|United Kingdom|Scot|Eng(?:land|lish)|Wales|Welsh"]
_FULL_NAME = re.compile(r"(?<=[a-z,] )([A-Z][a-z]+) ([A-Z][a-z]{2,})(?! [A-Z])(?=\W)")
_DATE_WORD = re.compile(rf"\b(?:{'|'.join([*WEEKDAYS, *MONTHS])})\b")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Story:
    article: str
    sentences: list[Sentence]
    references: list[str]


@dataclass(frozen=True)
class Text:
    """A summary of a story, and the span of a planted value in it."""

    story: Story
    text: str
    source: str
    start: int = 0
    end: int = 0


def half_of(row: ReferenceRow) -> str:
    return (TUNE, REPORT)[zlib.crc32(row.id.encode()) % 2]


def read_rows(files: Sequence[Path]) -> list[ReferenceRow]:
    return [row for file in files for row in read_references(file)]


def read_stories(rows: Sequence[ReferenceRow], half: str, count: int, rng: random.Random) -> list[Story]:
    rows = [row for row in rows if half_of(row) == half and row.article != row.article.lower()]
    rng.shuffle(rows)
    stories = []
    for row in rows[:count]:
        article = " ".join(clean_article(row.article).split(" ")[:MAX_ARTICLE_WORDS])
        references = [
            sentence
            for sentence in clean_reference(row.reference)
            if sentence != sentence.lower()
            and len(sentence.split()) > 5
            and not unsupported_words(sentence, article)
            and content_coverage(sentence, article) > 0.45
        ]
        sentences = [one for one in split(article) if one.is_complete and 8 <= len(one.text.split()) <= 45]
        if len(sentences) > 4:
            stories.append(Story(article, sentences, references))
    return stories


def summaries(story: Story, rng: random.Random, rules: Counter[str]) -> Iterator[tuple[str, str]]:
    """One summary per source that the story has; counts the paraphrase rules."""
    yield rng.choice(story.sentences).text, "sentence"
    changed = [(text, used) for one in story.sentences for text, used in [paraphrase(one.text, story.article)] if used]
    if changed:
        text, used = rng.choice(changed)
        rules.update(used)
        yield text, "paraphrase"
    if story.references:
        yield rng.choice(story.references), "reference"


class Planter:
    """Values of every kind from all stories."""

    def __init__(self, stories: Sequence[Story], rng: random.Random) -> None:
        self.rng = rng
        self.numbers: dict[object, list[str]] = defaultdict(list)
        self.names: dict[int, list[str]] = defaultdict(list)
        self.quotations: list[str] = []
        capital: Counter[str] = Counter()
        small: Counter[str] = Counter()
        for story in stories:
            for word in re.findall(r"(?<=[a-z,] )[A-Za-z][\w-]+", story.article):
                (capital if word[0].isupper() else small)[word.casefold()] += 1
        self.is_proper = lambda word: capital[word.casefold()] > 2 * small[word.casefold()]
        people: set[str] = set()
        for story in stories:
            for match in _NUMBER.finditer(story.article):
                self.numbers[_shape(match.group())].append(match.group())
            for match in _inner(_NAME, story.article):
                if self._is_name(match.group()):
                    self.names[len(match.group().split())].append(match.group())
            people.update(word for person in self._people(story) for word in person if len(word) > 3)
            self.quotations += [match.group(1) for match in _QUOTATION.finditer(story.article)]

        self.people = sorted(people)
        self.acronyms = sorted({name for name in self.names[1] if name.isupper() and len(name) > 2})

    def _people(self, story: Story) -> set[tuple[str, ...]]:
        """First and last names of people who say or do something, or have a title."""
        return {
            match.groups()
            for match in _FULL_NAME.finditer(story.article)
            if self._is_name(match.group())
            and not _COURTESY & {*match.groups()}
            and re.search(rf"(?:Mr|Mrs|Ms|Miss|Dr) {match[2]}|{match[2]} (?:said|told|added|has|was)", story.article)
        }

    def _is_name(self, name: str) -> bool:
        return (
            not _DATE_WORD.search(name)
            and all(self.is_proper(word) for word in name.split())
            and len(name) > 2
            and not _COURTESY & set(name.split())
        )

    def plant(self, kind: str, story: Story, text: str, source: str) -> Text | None:
        """The text with one value of `kind` replaced; None if it has none."""
        options = list(getattr(self, f"_{kind}s")(story, text))
        self.rng.shuffle(options)
        for start, end, candidates in options[:3]:
            for _ in range(20):
                value = next(candidates, None)
                if value is not None and value != text[start:end]:
                    return Text(story, text[:start] + value + text[end:], source, start, start + len(value))
        return None

    def _numbers(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        known = _values(story.article)
        for match in _NUMBER.finditer(text):
            if _shape(match.group()) == "year" or _is_day(text, match):
                continue
            yield (
                match.start(),
                match.end(),
                self._new(self.numbers[_shape(match.group())], _is_new_to(known, text, match)),
            )
        words = [*WORDS[2:], *TENS]
        for match in _NUMBER_WORD.finditer(text):
            yield match.start(), match.end(), self._new(words, lambda one: _word_value(one) not in known)

    def _dates(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        article = story.article
        for match in _DATE_WORD.finditer(text):
            if match.group() == "May" and not re.search(
                r"(?:\d|in|In|since|until|last|this|next) $", text[: match.start()]
            ):
                continue
            pool = WEEKDAYS if match.group() in WEEKDAYS else MONTHS
            yield match.start(), match.end(), self._new(pool, lambda one: not re.search(rf"\b{one[:3]}", article))
        for match in _YEAR.finditer(text):
            years = [str(int(match.group()) + shift) for shift in range(-9, 10)]
            short = [
                year
                for year in years
                if not re.search(rf"{year[2:]}(?!\d)", article) and year[:3] + "0s" not in article
            ]
            yield match.start(), match.end(), self._new(short, lambda one: True)
        for match in re.finditer(rf"\b(\d{{1,2}})(?= (?:{'|'.join(MONTHS)})\b)|(?<=[a-z] )(?<!\d)\d{{1,2}}\b", text):
            if match.group(1) or _DATE_WORD.search(text[max(0, match.start() - 10) : match.start()]):
                known = _values(article)
                days = [str(day) for day in range(1, 29) if day not in known]
                yield match.start(), match.end(), self._new(days, lambda one: True)

    def _names(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        known = {word[:5].casefold() for word in re.findall(r"[A-Z][\w]+", story.article)}
        flat = story.article.casefold()

        def is_new(name: str) -> bool:
            acronym = "".join(word[0] for word in name.split())
            spelled = (
                r"\W+(?:(?:of|the|and|for) )?".join(f"{letter}\\w*" for letter in name) if name.isupper() else "(?!)"
            )
            return (
                name.casefold() not in flat
                and name.split()[-1][:5].casefold() not in known
                and (len(acronym) < 2 or acronym not in story.article)
                and not re.search(rf"\b{spelled}", story.article)
                and not any(re.match(same, name) and re.search(same, story.article) for same in _SAME)
            )

        for match in _NAME.finditer(text):
            if self._is_name(match.group()):
                yield match.start(), match.end(), self._new(self.names[len(match.group().split())], is_new)

    def _mixeds(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        people = self._people(story)
        for match in _FULL_NAME.finditer(text):
            if match.groups() in people:
                firsts = [first for first, last in people if f"{first} {match[2]}" not in story.article]
                yield match.start(1), match.end(1), self._new(firsts, lambda one: True)

    def _near_numbers(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        for start, end, values in near_numbers(story.article, text):
            yield start, end, self._new(values, lambda one: True)

    def _other_counts(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        for start, end, values in other_counts(story.article, text):
            yield start, end, self._new(values, lambda one: True)

    def _near_names(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        near = near_names(story.article, self.people, self.acronyms)
        for match in _NAME.finditer(text):
            if near and self._is_name(match.group()):
                last = match.group().split()[-1]
                yield match.end() - len(last), match.end(), self._new(near, lambda one: True)

    def _quotations(self, story: Story, text: str) -> Iterator[tuple[int, int, Iterator[str]]]:
        for match in _QUOTATION.finditer(text):
            yield match.start(1), match.end(1), self._new(self.quotations, lambda one: one not in story.article)

    def _new(self, pool: Sequence[str], is_new: Callable[[str], bool]) -> Iterator[str]:
        for _ in range(40):
            if not pool:
                return
            value = self.rng.choice(pool)
            if is_new(value):
                yield value


def _inner(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that are not at the start of a sentence."""
    return (match for match in pattern.finditer(text) if re.search(r"[a-z,] $", text[: match.start()][-2:]))


def _shape(number: str) -> object:
    """The features that make another number equally plausible: a year, decimals, the number of digits."""
    if _YEAR.fullmatch(number):
        return "year"
    return "." in number, "," in number, len(number)


def _is_day(text: str, number: re.Match[str]) -> bool:
    before, after = text[: number.start()], text[number.end() :]
    return bool(
        re.match(rf"(?:st|nd|rd|th)? (?:of )?(?:{'|'.join(MONTHS)})", after)
        or re.search(rf"(?:{'|'.join(MONTHS)}|Sept|Jan|Feb|Aug|Oct|Nov|Dec)\.? $", before)
    )


def _is_new_to(known: set[float], text: str, number: re.Match[str]) -> Callable[[str], bool]:
    """Whether the article lacks every value that `number` may denote, including a following "million"."""
    scale = re.match(r" ?(million|billion|thousand|m\b|bn\b)", text[number.end() :])
    factor = {"million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "thousand": 1e3}[scale[1]] if scale else 1
    return lambda value: not {_value(value), factor * _value(value)} & known


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _word_value(word: str) -> float:
    return float(WORDS.index(word)) if word in WORDS else float(TENS[word])


def _values(article: str) -> set[float]:
    """The values in the article in any form, generously."""
    values = {_value(one) for one in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", article)}
    values |= {float(one) for one in re.findall(r"\d+", article)}
    words = re.findall(r"[a-z]+", article.casefold())
    for word, following in zip(words, [*words[1:], ""], strict=True):
        base = next(
            (number for number in WORDS[1:] if word == number or re.fullmatch(f"{number}(?:th|s|e?ths?)", word)), None
        )
        if base:
            values.add(float(WORDS.index(base)))
        if word in TENS:
            values |= {
                float(TENS[word]),
                float(TENS[word] + (WORDS.index(following) if following in WORDS[:10] else 0)),
            }
    for pattern, extra in {
        "second|both|pair|couple|double|twice|duo|twins": {2.0},
        "third|trio|treble|triple|hat-trick": {3.0, 33.0},
        "fifth": {5.0, 20.0},
        "ninth": {9.0},
        "twelfth|dozen": {12.0},
        "half|halv": {0.5, 50.0},
        "quarter": {4.0, 25.0, 75.0},
    }.items():
        if re.search(pattern, article.casefold()):
            values |= extra
    for number, word in re.findall(r"(\d[\d.,]*) ?(k|m|bn|million|billion|thousand)\b", article):
        factor = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6}.get(word, 1e9)
        values.add(float(number.strip(".,").replace(",", "") or 0) * factor if number.count(".") < 2 else 0)
    return values


def measure(kind: str, texts: Sequence[Text], show: int) -> str:
    right = wrong = 0
    for text in texts:
        found = TermIndex(text.story.article).unsupported(text.text)
        hits = [term for term in found if term.span.start < text.end and text.start < term.span.end]
        others = [
            text.text[one.span.start : one.span.end] for one in found if one not in hits and one.kind is KINDS[kind]
        ]
        right += bool(hits)
        wrong += len(others)
        if show > 0 and (not hits or others):
            show -= 1
            marked = f"{text.text[: text.start]}[[{text.text[text.start : text.end]}]]{text.text[text.end :]}"
            print(f"{f'WRONG {others}' if hits else 'MISSED'} {text.source}: {marked}", file=sys.stderr)
    recall, precision = right / len(texts), right / (right + wrong) if right else 0.0
    return f"{kind:12}{len(texts):7}{recall:10.3f}{precision:11.3f}{right:8}{wrong:8}"


def measure_evidence(stories: Sequence[Story], count: int, rng: random.Random, index: type[EvidenceIndex]) -> str:
    """How often the best passage is the sentence that was shortened and paraphrased."""
    best = some = total = 0
    for story in stories[:count]:
        clean = normalize(story.article)
        sentences = split(clean.text)
        evidence = index(clean, sentences)
        chosen = [one for one in sentences if one.is_complete and 10 <= len(one.text.split()) <= 45]
        for one in rng.sample(chosen, min(3, len(chosen))):
            passages = evidence.align(shorten(paraphrase(one.text, story.article)[0], rng))
            wanted = clean.source_span(one.start, one.end)
            spans = [(passage.span.start, passage.span.end) for passage in passages]
            total += 1
            best += spans[:1] == [wanted]
            some += wanted in spans
    return f"evidence    {total:7}   best passage {best / total:.3f}, among the passages {some / total:.3f}"


def measure_lines(rows: Sequence[ReferenceRow], show: int, rng: random.Random) -> str:
    """How many lines are dropped as boilerplate."""
    dropped: list[str] = []
    count = 0
    for row in rows:
        kept = {row.article.count("\n", 0, start) for start, _ in story_lines(row.article)}
        lines = [(number, line) for number, line in enumerate(row.article.split("\n")) if line.strip()]
        dropped += [line for number, line in lines if number not in kept]
        count += len(lines)
    for line in rng.sample(dropped, min(show, len(dropped))):
        print(f"DROPPED {line}", file=sys.stderr)
    return f"lines       {count:7}   dropped {len(dropped)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA.jsonl", help='with "article" and "reference"')
    parser.add_argument("--half", choices=[TUNE, REPORT], default=REPORT)
    parser.add_argument("--count", type=int, default=500, help="number of summaries per kind")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--show", type=int, default=0, help="number of errors per kind to print on stderr")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--labels", nargs="+", type=Path, default=[], metavar="LABELS.jsonl", help="judged summaries")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    rows = read_rows(arguments.data)
    stories = read_stories(rows, arguments.half, 2 * arguments.count, rng)
    planter = Planter(stories, rng)
    rules: Counter[str] = Counter()
    right = [(story, text, source) for story in stories for text, source in summaries(story, rng, rules)]
    rng.shuffle(right)
    print(f"{len(stories)} articles ({arguments.half} half), seed {arguments.seed}\n")
    print(f"{'planted':12}{'texts':>7}{'recall':>10}{'precision':>11}{'right':>8}{'wrong':>8}")
    for kind in arguments.kinds:
        planted: list[Text] = []
        for story, text, source in right:
            if len(planted) == arguments.count:
                break
            one = planter.plant(kind, story, text, source)
            if one is not None:
                planted.append(one)
        print(measure(kind, planted, arguments.show))
    print(f"\n{'as it was':12}{'texts':>7}   with a number, a name, a quotation that was found wrongly")
    for wanted in ("sentence", "paraphrase", "reference"):
        texts = [(story, text) for story, text, source in right if source == wanted][: arguments.count]
        found: Counter[TermKind] = Counter()
        for story, text in texts:
            terms = TermIndex(story.article).unsupported(text)
            found.update({term.kind for term in terms})
            if arguments.show and terms:
                print(f"WRONG {[text[o.span.start : o.span.end] for o in terms]} {wanted}: {text}", file=sys.stderr)
        shares = "".join(f"{found[kind] / len(texts):9.3f}" for kind in TermKind)
        print(f"{wanted:12}{len(texts):7}{shares}")
    print(f"paraphrased: {', '.join(f'{name} {count}' for name, count in rules.most_common())}")
    languages = Counter(detect(story.article) for story in stories)
    print(f"\nlanguages   {len(stories):7}   {', '.join(f'{code} {count}' for code, count in languages.most_common())}")
    print(
        measure_lines(
            [row for row in rows if half_of(row) == arguments.half], arguments.show, random.Random(arguments.seed)
        )
    )
    print(f"{measure_evidence(stories, arguments.count, random.Random(arguments.seed), EvidenceIndex)}")
    if arguments.labels:
        print()
        measure_labels(arguments.labels, arguments.show)


if __name__ == "__main__":
    main()
