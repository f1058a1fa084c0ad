"""Words that are usually not names when they begin a sentence, from `ordinary_words.txt`.

`tests/benchmarks/ordinary_words.py` selects them: words that are predominantly lower-case in news.
"""

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """The words, in lower case."""
    return frozenset(Path(__file__).with_name("ordinary_words.txt").read_text(encoding="utf-8").split())
