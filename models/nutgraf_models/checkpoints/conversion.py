"""Conversion of a GGUF file to what the engines load."""

import errno
import logging
import os
import shutil
from pathlib import Path

from nutgraf_models.checkpoints.gguf_tokenizer import write_tokenizer
from nutgraf_models.runtime.torch_extra import has_torch


def convert_gguf(file: Path, target: Path) -> None:
    """Fills `target`, which must not exist: `file`, its tokenizer, what OpenVINO loads, and what torch does.

    That is a folder in the hub's format with plain float32 weights. It is left out where there is no torch.

    Raises:
        ModelError: without torch nothing here can read the file's tokenizer.
    """
    if has_torch():
        _save_for_torch(file, target)
    else:
        target.mkdir()
        write_tokenizer(file, target)
    shutil.copyfile(file, target / file.name)
    save_openvino_model(target / file.name)


def _save_for_torch(file: Path, target: Path) -> None:
    """Takes half a minute and, for a moment, twice the memory of the weights."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from nutgraf_models.runtime.transformers_logging import quiet_transformers

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


def save_openvino_model(file: Path) -> None:
    """Writes the model of a GGUF file beside it in OpenVINO's own format, which is loaded in half the time.

    Of a model that OpenVINO does not know nothing is written: torch may run it.

    Raises:
        OSError: there is no space left.
    """
    from nutgraf_models.runtime.openvino_import import openvino_genai

    properties = {"enable_save_ov_model": True}
    try:
        openvino_genai.ContinuousBatchingPipeline(str(file), openvino_genai.SchedulerConfig(), "CPU", properties)
    except RuntimeError as error:
        # It removes what it could not finish, and does not say that this was for want of space.
        if shutil.disk_usage(file.parent).free < file.stat().st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file.parent)) from error
