"""Assertion that work grows linearly with its input, robust to a busy machine."""

import time
from collections.abc import Callable
from itertools import count

# Ratio of input sizes, and the maximum ratio of times: linear is 4, quadratic is 16.
_SIZE_RATIO = 4
_MAX_RATIO = 11
_TRIES = 6
# Shorter times are too short to measure, and do not matter.
_SECONDS = 0.02


def assert_linear(work: Callable[[str], object], make: Callable[[int], str]) -> None:
    """Fails if `work` takes much more than 4 times as long for `make(1)` as for `make(4)`, a quarter of that.

    Measures this thread's CPU time. Other processes can only add to it, so the minimum over several runs is compared,
    with more runs if the first ones fail.
    """
    texts = make(_SIZE_RATIO), make(1)
    work(make(4 * _SIZE_RATIO))  # warm-up of one-time work
    shortest = [float("inf")] * 2
    for tries in count(1):
        for place, text in enumerate(texts):
            start = time.thread_time()
            work(text)
            shortest[place] = min(shortest[place], time.thread_time() - start)
        least, most = shortest
        if most < max(_SECONDS, _MAX_RATIO * least):
            return
        assert tries < _TRIES, f"{_SIZE_RATIO} times the input took {most / least:.1f} times as long ({most:.2f} s)"
