"""Builds all checkpoints in parallel, one per core."""

import os
from multiprocessing import get_context
from typing import get_args

from checkpoints.cache import Kind, checkpoint

# In descending order of training time.
KINDS = sorted(get_args(Kind), key=["t5", "smollm", "pegasus", "bart"].index)


def main() -> None:
    with get_context("spawn").Pool(os.cpu_count()) as pool:
        pool.map(checkpoint, KINDS, chunksize=1)


if __name__ == "__main__":
    main()
