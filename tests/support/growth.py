"""Whether work grows with its input as it should, on a machine that may be busy with other things."""

import time
from collections.abc import Callable
from itertools import count

# How many times the input of the smaller run that of the larger is, and how many times its work that may take: no more
# than linear is 4, quadratic is 16.
_LARGER = 4
_MOST = 11
_TRIES = 6
# Less than that is too little to measure, and to matter.
_SECONDS = 0.02


def assert_linear(work: Callable[[str], object], make: Callable[[int], str]) -> None:
    """Fails if `work` takes much more than 4 times as long for `make(1)` as for `make(4)`, a quarter of that.

    Time is this thread's own on the processor. Other work can only add to it: the least of some runs is compared, and
    where the first do not show it there are more.
    """
    texts = make(_LARGER), make(1)
    work(make(4 * _LARGER))  # what is done only once
    shortest = [float("inf")] * 2
    for tries in count(1):
        for place, text in enumerate(texts):
            start = time.thread_time()
            work(text)
            shortest[place] = min(shortest[place], time.thread_time() - start)
        least, most = shortest
        if most < max(_SECONDS, _MOST * least):
            return
        assert tries < _TRIES, f"{_LARGER} times the input took {most / least:.1f} times as long ({most:.2f} s)"
