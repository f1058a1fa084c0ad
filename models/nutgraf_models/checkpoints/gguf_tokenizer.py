"""Conversion of a GGUF file's tokenizer and end token to the hub's format, without transformers."""

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.torch_extra import INSTALL

# Byte-level BPE that pre-tokenises text like GPT-2. Only transformers supports the others.
_MODEL = "gpt2"
_SPLITS = ("gpt-2", "smollm")
_CONTROL, _USER_DEFINED = 3, 4  # token types of llama.cpp


def write_tokenizer(file: Path, folder: Path) -> None:
    """Writes `tokenizer.json` and `generation_config.json` to `folder`, equivalent to those by transformers.

    Raises:
        ModelError: this file's tokenizer needs transformers.
    """
    import gguf

    fields = gguf.GGUFReader(file).fields

    def read(name: str) -> Any:
        field = fields.get(f"tokenizer.ggml.{name}")
        return None if field is None else field.contents()

    model, split = read("model"), read("pre")
    tokens, types = read("tokens") or (), read("token_type") or ()
    # transformers re-encodes tokens with other characters.
    is_byte_level = set("".join(tokens)) <= set(pre_tokenizers.ByteLevel.alphabet())
    if model != _MODEL or split not in _SPLITS or not is_byte_level or read("eos_token_id") is None:
        raise ModelError(f"reading the tokenizer of {file.name} ({model}, {split}) needs transformers: {INSTALL}")
    tokenizer = Tokenizer(
        models.BPE(
            vocab={token: index for index, token in enumerate(tokens)},
            merges=[tuple(merge.split(" ")) for merge in read("merges")],
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    for kind, add in ((_CONTROL, tokenizer.add_special_tokens), (_USER_DEFINED, tokenizer.add_tokens)):
        add([AddedToken(token, normalized=False) for token, type_ in zip(tokens, types, strict=True) if type_ == kind])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "generation_config.json").write_text(
        json.dumps({"eos_token_id": read("eos_token_id")}, indent=2) + "\n", encoding="utf-8"
    )
