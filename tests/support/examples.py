"""How property tests choose their examples: the same ones for every commit; others, and more, in `make fuzz`."""

import os

from hypothesis import settings

# How many times the usual number of examples, drawn at random from pytest's `--hypothesis-seed`.
_RANDOM = int(os.environ.get("FUZZ_TIMES") or 0)


def examples(number: int) -> settings:
    """The settings of a property test that is tried with so many examples for every commit."""
    return settings(
        max_examples=number * max(_RANDOM, 1),
        deadline=None,
        derandomize=not _RANDOM,
        database=None,
        # What failed is printed with a decorator that tries it again.
        print_blob=bool(_RANDOM),
    )
