"""Conversion of a GGUF file to a folder in the hub's format with plain float32 weights, and to OpenVINO's own."""

import logging
import shutil
from pathlib import Path


def convert_gguf(file: Path, target: Path) -> None:
    """Fills `target`, which must not exist: config, tokenizer, dequantised weights, `file`, and what OpenVINO loads.

    Takes half a minute and, for a moment, twice the memory of the weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from nutgraf_models.engines import openvino_engine
    from nutgraf_models.engines.quiet import quiet_transformers

    with quiet_transformers(logging.ERROR):
        loaded = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, local_files_only=True, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
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
