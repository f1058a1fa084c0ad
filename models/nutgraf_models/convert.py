"""Conversion of a GGUF file to a folder in the hub's format with plain float32 weights, and to OpenVINO's own."""

import logging
import os
import shutil
import sys
from pathlib import Path


def convert_gguf(file: Path, target: Path) -> None:
    """Fills `target`, which must not exist: config, tokenizer, dequantised weights, `file`, and what OpenVINO loads.

    Takes half a minute and, for a moment, twice the memory of the weights.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    from nutgraf_models.engines import openvino_engine

    logging.getLogger("transformers").setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    loaded = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    # transformers marks the model as quantised, although its weights no longer are, and would refuse to save it.
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config._name_or_path = ""
    plain = type(loaded)(config)
    plain.load_state_dict(loaded.state_dict())
    plain.generation_config = loaded.generation_config
    plain.save_pretrained(target)
    tokenizer.save_pretrained(target)
    shutil.copyfile(file, target / file.name)
    openvino_engine.convert(target / file.name)
