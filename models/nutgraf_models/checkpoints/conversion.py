"""Conversion of a GGUF file to the formats that the engines load."""

import errno
import logging
import os
import shutil
from pathlib import Path

from nutgraf_models.checkpoints.gguf_tokenizer import write_tokenizer
from nutgraf_models.runtime.torch_extra import has_torch


def convert_gguf(file: Path, target: Path) -> None:
    """Creates the folder `target` with the GGUF file, its tokenizer and its conversion to OpenVINO's format.

    If torch is installed, the folder also has float32 weights in the hub's format.

    Raises:
        ModelError: the file's tokenizer needs transformers, which is not installed.
    """
    if has_torch():
        _save_for_torch(file, target)
    else:
        target.mkdir()
        write_tokenizer(file, target)
    shutil.copyfile(file, target / file.name)
    save_openvino_model(target / file.name)


def _save_for_torch(file: Path, target: Path) -> None:
    """Writes the model in the hub's format. Takes half a minute and, briefly, twice the memory of the weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from nutgraf_models.runtime.transformers_logging import quiet_transformers

    with quiet_transformers(logging.ERROR):
        loaded = AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, local_files_only=True, dtype=torch.float32
        )
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
        # transformers still considers the model quantised and would refuse to save it.
        config = loaded.config
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        config._name_or_path = ""
        plain = type(loaded)(config)
        plain.load_state_dict(loaded.state_dict())
        plain.generation_config = loaded.generation_config
        plain.save_pretrained(target)
        tokenizer.save_pretrained(target)


def save_openvino_model(file: Path) -> None:
    """Converts a GGUF file to OpenVINO's own format, which loads in half the time, and writes it to the same folder.

    Writes nothing if OpenVINO does not support the model; torch may still run it.

    Raises:
        OSError: no space is left on the disk.
    """
    from nutgraf_models.runtime.openvino_import import openvino_genai

    properties = {"enable_save_ov_model": True}
    try:
        openvino_genai.ContinuousBatchingPipeline(str(file), openvino_genai.SchedulerConfig(), "CPU", properties)
    except RuntimeError as error:
        # OpenVINO removes its incomplete files, and its error does not mention the full disk.
        if shutil.disk_usage(file.parent).free < file.stat().st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file.parent)) from error
