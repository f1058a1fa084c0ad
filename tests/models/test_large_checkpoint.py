"""The memory for loading a full-size encoder-decoder, which the test generates, as it is too large to commit."""

import json
import subprocess
import sys

import pytest

from checkpoints import checkpoint
from checkpoints.large import build_bart_large_shaped

_LOAD = """
import json, resource, sys, time
started = time.perf_counter()
from nutgraf_models.engines.base import GenerationRequest, Row
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
imported = time.perf_counter()
summarizer = load_summarizer(sys.argv[1])
loaded = time.perf_counter()
loading_memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
preset = summarizer.card.decoding.long.model_copy(update={"max_new_tokens": 4, "min_new_tokens": 0})
article = "The mayor opened a new bridge in Oslo. " * 60
summarizer.engine.submit(GenerationRequest(article, (Row(Length.LONG, preset, 4),)))
completions = []
while not completions:
    completions = summarizer.engine.step()
assert completions[0].error is None, completions[0].error
print(json.dumps({
    "load_seconds": loaded - imported,
    "loading_gigabytes": loading_memory * 1024 / 1e9,
    "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_loading_keeps_one_copy_of_the_weights(tmp_path):
    folder = tmp_path / "bart-large"
    build_bart_large_shaped(folder, checkpoint("bart"))
    weights = (folder / "model.safetensors").stat().st_size / 1e9
    # 406 million parameters in float32.
    assert weights == pytest.approx(4 * 0.406, rel=0.01)
    run = subprocess.run(
        [sys.executable, "-c", _LOAD, str(folder)], capture_output=True, text=True, timeout=600, check=False
    )
    assert run.returncode == 0, run.stderr
    figures = json.loads(run.stdout)
    print(figures)
    # The weights and the libraries, but no second copy of the weights.
    assert figures["loading_gigabytes"] < weights + 0.9
    assert figures["peak_gigabytes"] < weights + 1.6
