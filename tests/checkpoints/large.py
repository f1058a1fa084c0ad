"""A checkpoint of the size and shape of facebook/bart-large-cnn with random weights, for memory and load time."""

import json
import shutil
from math import prod
from pathlib import Path

import torch
from transformers import BartConfig, BartForConditionalGeneration

_BLOCK = 1 << 22


def build_bart_large_shaped(folder: Path, small: Path) -> None:
    """Writes 406 million float32 parameters (1.6 GB) block by block, and the tokenizer of the checkpoint `small`.

    Writes the format of safetensors: the length of a JSON header, the header, the numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in small.iterdir():
        if file.name not in ("config.json", "model.safetensors"):
            shutil.copyfile(file, folder / file.name)
    config = BartConfig(vocab_size=50264, forced_bos_token_id=0)  # the other defaults are those of bart-large
    config.architectures = ["BartForConditionalGeneration"]
    config.save_pretrained(folder)
    with torch.device("meta"):
        model = BartForConditionalGeneration(config)
    shapes = {name: list(parameter.shape) for name, parameter in model.named_parameters()}
    shapes["final_logits_bias"] = [1, config.vocab_size]
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    generator = torch.Generator().manual_seed(0)
    block = (torch.randn(_BLOCK // 4, generator=generator) * 0.02).numpy().tobytes()
    with (folder / "model.safetensors").open("wb") as out:
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        out.write(len(text).to_bytes(8, "little") + text)
        for start in range(0, end, _BLOCK):
            out.write(block[: min(_BLOCK, end - start)])
