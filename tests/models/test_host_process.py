"""Loading a model leaves the host process unchanged: its environment, modules, progress bars and logs."""

import os
import subprocess
import sys

import pytest

from checkpoints.cache import checkpoint
from support.tiny_llama import write_random_gguf

SCRIPT = """
import logging, os, sys
from pathlib import Path

# The state of the host before any import of this project.
import numpy, torch, transformers
from transformers.utils import logging as transformers_logging

spoken_to = []
sys.addaudithook(lambda event, args: event in ("socket.connect", "socket.getaddrinfo") and spoken_to.append(args))
logging.getLogger("transformers").setLevel(logging.INFO)
environment, modules = dict(os.environ), dict(sys.modules)

from nutgraf_models.article import Article
from nutgraf_models.checkpoints.conversion import convert_gguf
from nutgraf_models.loading import load_summarizer

model, folder, gguf = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
if gguf.name:
    convert_gguf(gguf, folder)
article = Article("The port of Marlow reopened on Monday. " * 12 + "Two ships waited. " * 12)
for engine in sys.argv[4:]:
    assert load_summarizer(model, engine=engine).summarize(article).summaries

assert dict(os.environ) == environment, set(os.environ.items()) ^ set(environment.items())
# transformers replaces its own module; no module may disappear.
gone = [name for name, module in modules.items() if module is not None and sys.modules.get(name) is None]
assert gone == [], gone
blocked = [name for name, module in sys.modules.items() if module is None and name not in modules]
assert blocked == [], blocked
assert transformers_logging.is_progress_bar_enabled()
assert logging.getLogger("transformers").level == logging.INFO
assert spoken_to == [], spoken_to
import openvino_telemetry
"""


@pytest.mark.parametrize("kind", ["decoder-only, both engines", "encoder-decoder"])
def test_loading_leaves_the_process_unchanged_and_contacts_no_hub(tmp_path, kind):
    if kind == "encoder-decoder":
        arguments = [str(checkpoint("bart")), "", "", "auto"]
    else:
        folder, gguf = tmp_path / "model", write_random_gguf(tmp_path / "tiny.F16.gguf")
        card = tmp_path / "card.toml"
        card.write_text(
            f'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "path:{folder}"\ncontext_window = 2048\n'
            '[prompt]\nbefore = "Read this. "\nafter_short = " One:"\nafter_long = " Three:"\n'
            "[decoding.short]\nmax_new_tokens = 8\n[decoding.long]\nmax_new_tokens = 8\n"
        )
        arguments = [str(card), str(folder), str(gguf), "openvino", "torch"]
    ours = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "TQDM_DISABLE", "OMP_WAIT_POLICY")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], env=environment, capture_output=True, text=True, timeout=250
    )
    assert run.returncode == 0, run.stderr
