"""Example selection for property tests: deterministic for each commit; random, and more, in `make fuzz`."""

import os

from hypothesis import settings

# Factor on the usual number of examples, which are then drawn at random by pytest's `--hypothesis-seed`.
_RANDOM = int(os.environ.get("FUZZ_TIMES") or 0)


def examples(number: int) -> settings:
    """The settings of a property test with this number of examples per commit."""
    return settings(
        max_examples=number * max(_RANDOM, 1),
        deadline=None,
        derandomize=not _RANDOM,
        database=None,
        # Print a decorator that reproduces a failure.
        print_blob=bool(_RANDOM),
    )
