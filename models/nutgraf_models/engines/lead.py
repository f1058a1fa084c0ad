"""The lead baseline as an engine: an article's first sentences are its summary.

It is the baseline for every score, since news puts the main facts first (lead-3 in See et al. 2017). Tests use it in
place of a model.
"""

import itertools
from collections.abc import Sequence

from nutgraf_models.checks.standalone import is_fragment
from nutgraf_models.engines.base import Candidate, Completion, Engine, GenerationRequest, Handle, Row
from nutgraf_models.extracts.leading import leading
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason
from nutgraf_models.text.sentences import split

LEAD_SENTENCES = {Length.SHORT: 1, Length.LONG: 3}


class LeadEngine(Engine):
    """Completes one request per step, in the order of submission. Its tokens are words."""

    name = "lead"
    precision = "none"
    max_input_tokens = 1_000_000
    parallel_requests = 1

    def __init__(self) -> None:
        self._handles = itertools.count(1)
        self._waiting: dict[Handle, GenerationRequest] = {}

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    def submit(self, request: GenerationRequest) -> Handle:
        handle = Handle(next(self._handles))
        self._waiting[handle] = request
        return handle

    def step(self) -> list[Completion]:
        if not self._waiting:
            return []
        handle = next(iter(self._waiting))
        request = self._waiting.pop(handle)
        return [Completion(handle, tuple((_lead(request.article, row),) for row in request.rows))]

    def cancel(self, handle: Handle) -> None:
        self._waiting.pop(handle, None)


def _lead(article: str, row: Row) -> Candidate:
    """The first sentences of an article, without datelines, bylines and captions."""
    count = min(LEAD_SENTENCES[row.length], row.max_sentences)
    texts = [clean_start(text) for text in leading(split(article))]
    text = " ".join(([text for text in texts if not is_fragment(text)] or texts)[:count])
    return Candidate(text, len(text.split()), FinishReason.STOP)
