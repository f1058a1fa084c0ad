"""The cache of built checkpoints: the folder in NUTGRAF_TEST_CACHE, else `.cache/checkpoints`."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from . import build

Kind = Literal["bart", "t5", "pegasus", "smollm"]

_BUILDERS: dict[Kind, Callable[[Path], None]] = {
    "bart": build.build_bart,
    "t5": build.build_t5,
    "pegasus": build.build_pegasus,
    "smollm": build.build_smollm,
}
_HERE = Path(__file__).parent


def checkpoint(kind: Kind) -> Path:
    """The folder of a checkpoint, which is built if it is not in the cache."""
    home = Path(os.environ.get("NUTGRAF_TEST_CACHE") or _HERE.parents[1] / ".cache" / "checkpoints")
    folder = home / f"{kind}-{_fingerprint()}"
    if not folder.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home, suffix=".partial") as work:
            built = Path(work) / kind
            built.mkdir()
            _BUILDERS[kind](built)
            # Another process may have built the same checkpoint in the meantime.
            if not folder.is_dir():
                built.rename(folder)
    return folder


def _fingerprint() -> str:
    """A digest of everything that determines the checkpoints: this package and the libraries' versions."""
    digest = hashlib.sha256()
    for file in sorted(_HERE.glob("*.py")):
        digest.update(file.read_bytes())
    for library in ("torch", "transformers", "tokenizers", "sentencepiece"):
        digest.update(version(library).encode())
    return digest.hexdigest()[:12]
