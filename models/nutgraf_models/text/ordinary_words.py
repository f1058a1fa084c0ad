"""Words that may begin a sentence and are not names, in `ordinary_words.txt`.

`tests/benchmarks/ordinary_words.py` counted them: words that news writes in lower case far more often than not.
"""

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def ordinary_words() -> frozenset[str]:
    """The words, in lower case."""
    return frozenset(Path(__file__).with_name("ordinary_words.txt").read_text(encoding="utf-8").split())
