"""Stories for the small trained checkpoints, and an engine run to its end."""

import random

from checkpoints.stories import story
from nutgraf_models.engines.base import Candidate, Completion, Engine, GenerationRequest


def stories(count: int, seed: int) -> list[list[str]]:
    rng = random.Random(seed)
    return [story(rng, rng.randint(4, 8)) for _ in range(count)]


def run(engine: Engine, *requests: GenerationRequest) -> list[tuple[tuple[Candidate, ...], ...]]:
    """Runs the requests together; returns the rows of each, in order."""
    handles = [engine.submit(request) for request in requests]
    done: dict[int, Completion] = {}
    while len(done) < len(handles):
        done |= {completion.handle: completion for completion in engine.step()}
    assert all(completion.error is None for completion in done.values())
    return [done[handle].rows for handle in handles]
