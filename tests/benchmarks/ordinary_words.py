"""Lists words that begin sentences and are not names.

    python tests/benchmarks/ordinary_words.py DATA.jsonl... > models/nutgraf_models/text/ordinary_words.txt

A word qualifies if it begins sentences, and occurs in lower case at least twice as often as capitalised elsewhere.
Reads only the `tune` half of `checker.py`, so that the `report` half stays unseen.
"""

import argparse
import re
import textwrap
from collections import Counter
from pathlib import Path

from checker import TUNE, half_of, read_rows

LEAST = 2
MOST_CAPITAL = 0.5
_SENTENCE_START = re.compile(r"(?:^|[.!?][\"”’]?\s+|\n)[\"“‘']?([A-Z][a-z]+)\b")
_INNER = re.compile(r"(?<=[a-z,;] )([A-Za-z][a-z]+)\b")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", type=Path, metavar="DATA.jsonl")
    first: Counter[str] = Counter()
    inner: Counter[str] = Counter()
    for row in read_rows(parser.parse_args().data):
        if half_of(row) == TUNE:
            text = f"{row.article}\n{row.reference}\n{row.headline}"
            first.update(word.lower() for word in _SENTENCE_START.findall(text))
            inner.update(_INNER.findall(text))
    words = sorted(
        word
        for word, count in first.items()
        if count >= LEAST and inner[word] >= LEAST and inner[word.capitalize()] <= MOST_CAPITAL * inner[word]
    )
    print(textwrap.fill(" ".join(words), 120))


if __name__ == "__main__":
    main()
