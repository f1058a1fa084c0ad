"""Merging an adapter into a GGUF file, compared with PEFT on the same small Llama."""

import json
from pathlib import Path

import gguf
import numpy as np
import peft
import pytest
import torch
from safetensors.numpy import save_file
from transformers import AutoModelForCausalLM

from nutgraf_models.checkpoints import adapter as adapters
from nutgraf_models.errors import ModelError
from support.tiny_llama import WIDTH, write_random_gguf

MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return write_random_gguf(tmp_path_factory.mktemp("base") / "tiny.F16.gguf")


def load(file: Path):
    return AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def adapted(base, tmp_path_factory):
    """A PEFT model and the folder of its adapter, which changes every layer, as a trained one does."""
    torch.manual_seed(7)
    model = peft.get_peft_model(load(base), peft.LoraConfig(r=4, lora_alpha=8, target_modules=MODULES))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    folder = tmp_path_factory.mktemp("adapter")
    model.save_pretrained(folder)
    return model, folder


def logits(model) -> torch.Tensor:
    tokens = torch.arange(3, 35)[None]
    with torch.no_grad():
        return model(tokens).logits[0]


def test_a_merged_file_has_the_logits_of_peft(base, adapted, tmp_path):
    model, folder = adapted
    adapters.merge(base, folder, tmp_path / "merged.gguf")
    merged, expected, plain = logits(load(tmp_path / "merged.gguf")), logits(model), logits(load(base))
    # The error of 8-bit weights is small compared with the adapter's effect.
    assert (merged - expected).std() < 0.05 * (plain - expected).std()


def test_merging_keeps_metadata_and_writes_q8_0(base, adapted, tmp_path):
    adapters.merge(base, adapted[1], tmp_path / "merged.gguf")
    before, after = gguf.GGUFReader(base), gguf.GGUFReader(tmp_path / "merged.gguf")
    names = {name for name in before.fields if not name.startswith("GGUF.")}
    assert names <= set(after.fields)
    for name in names - {"general.file_type"}:
        assert before.fields[name].contents() == after.fields[name].contents()
    kinds = {tensor.name: tensor.tensor_type.name for tensor in after.tensors}
    assert kinds["blk.0.attn_q.weight"] == kinds["token_embd.weight"] == "Q8_0"
    assert kinds["output_norm.weight"] == "F32"


def test_interleaving_pairs_the_halves_of_each_head():
    rows = np.arange(8).reshape(8, 1)
    assert adapters.interleave(rows, heads=2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_folder_without_an_adapter_is_refused(base, tmp_path):
    with pytest.raises(ModelError, match="is not an adapter"):
        adapters.merge(base, tmp_path, tmp_path / "merged.gguf")


@pytest.mark.parametrize(
    ("file", "content"),
    [("adapter_config.json", b"{}"), ("adapter_config.json", b"nonsense"), ("adapter_model.safetensors", b"nonsense")],
)
def test_a_damaged_adapter_is_refused(base, adapted, tmp_path, file, content):
    folder = tmp_path / "broken"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes((adapted[1] / name).read_bytes())
    (folder / file).write_bytes(content)
    with pytest.raises(ModelError, match="broken is not an adapter"):
        adapters.merge(base, folder, tmp_path / "merged.gguf")


def test_an_adapter_of_another_model_is_refused(base, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 1, "lora_alpha": 1}))
    for layer, width, complaint in (("0", 7, "has shape"), ("9", WIDTH, "lacks")):
        prefix = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
        down, up = np.ones((1, WIDTH), np.float32), np.ones((width, 1), np.float32)
        save_file(
            {f"{prefix}.lora_A.weight": down, f"{prefix}.lora_B.weight": up}, tmp_path / "adapter_model.safetensors"
        )
        with pytest.raises(ModelError, match=complaint):
            adapters.merge(base, tmp_path, tmp_path / "merged.gguf")
