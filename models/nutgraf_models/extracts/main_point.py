"""Scores for an article's sentences by how likely they state its main point.

A conditional logit over the sentences of an article, in two steps: 18 signals, fitted to 2,544 written references, and
2,000 words, word pairs, openings and the like (`main_point_words.txt`, written by `tests/benchmarks/main_point.py`),
fitted to 2,934 articles in which readers marked the sentences that state the main point, or which have a reference.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from nutgraf_models.checks.standalone import is_fragment
from nutgraf_models.checks.words import tokens_of
from nutgraf_models.text.sentences import word_count

# Later sentences get the lowest score.
MAX_SENTENCES = 25
_FIRST, _LATE, _TOWARDS_END = 1.33, -0.93, -1.09
_FEW_WORDS = ((15, -0.90), (12, -0.93))
# Words that many sentences share, and the article's most frequent ones.
_CENTRAL, _FREQUENT, _MOST_FREQUENT = 0.445, 2.40, 10
_NAMES, _MAX_NAMES = 0.61, 4
_FRAGMENT, _AFTER_FEW_WORDS = -1.12, 0.54
_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w’'-]+")
_CUES = (
    (
        re.compile(
            r"\b(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|this (?:week|month|morning|year|weekend)"
            r"|last (?:week|night|month)|today|yesterday|tonight)\b"
        ),
        0.70,
    ),
    (re.compile(r"\b(?:you|your|yourself)\b"), -1.10),
    (re.compile(r"\b(?:I|my|me)\b"), -0.50),
    (re.compile(r"^[\"“'‘]"), -0.60),
    (re.compile(r"^(?:But|Yet|Now|However|So)\b"), 0.65),
)
_PERFECT = re.compile(
    r"\b(?:has|have) (?:(?:been )?\w+ed|won|said|been|become|begun|put|set|made|taken|told|found|seen)\b|\bwill\b"
)
_PERFECT_WEIGHT, _PERFECT_IN_FIRST = 0.38, 0.94
# A first sentence that sets a scene: "For decades", "It was", "Once".
_SCENE = re.compile(
    r"(?:For (?:decades|years|centuries|more|many|most|some|the)|It(?:['’]s| is| was| has| may| might| can| would)"
    r"|There(?:['’]s| is| are| was| were)|This is|That is|They|He|She|When it|Once|Few|Many|Most|Some|Every|All|Like"
    r"|Not|Never|Nobody|No one|What|How|Why|Who|Where)\b"
)
_SCENE_IN_FIRST = -1.31
# Weight of the share of the headline's content words that a sentence has.
_HEADLINE = 4.0
# Weight of these scores beside those of a ranker, and the probability above which no ranker is asked.
_BESIDE_RANKER, _CERTAIN = 0.64, 0.8
# A place and an agency, which say nothing about the sentence.
_DATELINE = re.compile(r"^.{0,40}?\((?:CNN|AP|AFP|PA|Reuters|BBC)\)")
_TOKEN = re.compile(r"[A-Za-z’']+|\d+|[^\w\s]")
# The name of the weight of the first step's score.
FIRST_STEP = "signals"


def main_point_scores(sentences: Sequence[str], title: str = "", ranked: Sequence[float] = ()) -> list[float]:
    """The score of each sentence: its log odds of being the main point, up to a constant.

    `title`: the headline. `ranked`: scores of the first sentences by a ranker, to which these are added.
    """
    compared = sentences[:MAX_SENTENCES]
    scores = combined(signal_scores(compared), word_signals(compared, len(sentences)), _weights())
    scores = with_ranker(scores, ranked)
    scores = with_headline(scores, compared, title)
    return scores + [min(scores, default=0.0)] * (len(sentences) - len(scores))


def with_ranker(scores: Sequence[float], ranked: Sequence[float]) -> list[float]:
    """The scores, with those of a ranker for the first sentences; the others get its lowest one."""
    if not ranked:
        return list(scores)
    lowest = [min(ranked)] * (len(scores) - len(ranked))
    return [_BESIDE_RANKER * score + more for score, more in zip(scores, [*ranked, *lowest], strict=True)]


def is_certain(scores: Sequence[float]) -> bool:
    """Whether the most likely main point is so likely that a ranker need not be asked."""
    most = max(scores)
    return 1 / math.fsum(math.exp(score - most) for score in scores) >= _CERTAIN


def with_headline(scores: Sequence[float], compared: Sequence[str], headline: str) -> list[float]:
    """The scores, with the weighted share of the headline's content words that each sentence has."""
    wanted = _content(headline).keys()
    if not wanted:
        return list(scores)
    return [
        score + _HEADLINE * len(wanted & _content(text).keys()) / len(wanted)
        for score, text in zip(scores, compared, strict=True)
    ]


def _content(text: str) -> dict[str, None]:
    """The content words, in the order of the text: a set's order differs between processes."""
    return dict.fromkeys(token.form for token in tokens_of(text) if token.is_content)


def combined(first: Sequence[float], signals: Sequence[Iterable[str]], weights: Mapping[str, float]) -> list[float]:
    """The scores of both steps. `first`: those of the first; `signals`: the second's, whose names have `weights`."""
    return [
        weights[FIRST_STEP] * score + math.fsum(weights.get(name, 0.0) for name in names)
        for score, names in zip(first, signals, strict=True)
    ]


def word_signals(compared: Sequence[str], count: int) -> list[set[str]]:
    """The names of the second step's signals that each of the first sentences of an article has.

    A word or word pair, alone and with "F" in the first sentence or "O" in another one; the first one to three words;
    counts of words and names; the position. Capitalised words within a sentence are "NAME", numbers "NUM". `count`: the
    number of sentences of the article.
    """
    found: list[set[str]] = []
    before: list[str] = []
    for index, text in enumerate(compared):
        place = "O" if index else "F"
        tokens = _TOKEN.findall(_DATELINE.sub("", text))
        words = [
            "NAME" if position and token[0].isupper() else "NUM" if token.isdigit() else token.lower()
            for position, token in enumerate(tokens)
        ]
        signals = {prefix + word for word in words for prefix in ("u:", f"{place}u:")}
        signals |= {f"b:{first} {second}" for first, second in pairwise(words)}
        signals |= {f"{prefix}s{n}:{' '.join(words[:n])}" for n in (1, 2, 3) for prefix in ("", place)}
        signals |= {
            f"{place}len{min(len(words) // 6, 8)}",
            f"{place}names{min(words.count('NAME'), 5)}",
            f"pos{min(index, 12)}",
            f"n{count // 8}pos{min(index, 4)}",
        }
        if index:
            signals |= {f"prevlen{min(len(before) // 5, 6)}", f"prevend:{before[-1]}" if before else "prevend:"}
            signals.add(f"prevq:{'?' in before}")
        before = [token.lower() for token in _TOKEN.findall(text)]
        found.append(signals)
    return found


@lru_cache(maxsize=1)
def _weights() -> dict[str, float]:
    lines = Path(__file__).with_name("main_point_words.txt").read_text(encoding="utf-8").splitlines()
    return {name: float(weight) for weight, _, name in (line.partition(" ") for line in lines)}


def signal_scores(compared: Sequence[str]) -> list[float]:
    """The scores of the first step."""
    content = [_content(text) for text in compared]
    # Among equally frequent words, the first ones.
    frequency = Counter(form for forms in content for form in forms)
    most_frequent = {form for form, _ in frequency.most_common(_MOST_FREQUENT)}
    counts = [word_count(text) for text in compared]
    scores = []
    for index, (text, forms) in enumerate(zip(compared, content, strict=True)):
        has_perfect = bool(_PERFECT.search(text))
        score = (
            _LATE * math.log1p(index)
            + _TOWARDS_END * index / max(1, len(compared) - 1)
            + sum(weight for min_words, weight in _FEW_WORDS if counts[index] < min_words)
            + _CENTRAL * sum(frequency[form] - 1 for form in forms) / len(compared)
            + _FREQUENT * len(forms.keys() & most_frequent) / _MOST_FREQUENT
            + _NAMES * min(len(_NAME.findall(text)), _MAX_NAMES) / _MAX_NAMES
            + _FRAGMENT * is_fragment(text)
            + _PERFECT_WEIGHT * has_perfect
            + sum(weight for cue, weight in _CUES if cue.search(text))
        )
        if index == 0:
            score += _FIRST + _PERFECT_IN_FIRST * has_perfect + _SCENE_IN_FIRST * bool(_SCENE.match(text))
        elif counts[index - 1] < _FEW_WORDS[1][0]:
            score += _AFTER_FEW_WORDS
        scores.append(score)
    return scores
