"""LoRA adapters (Hu et al. 2021): low-rank updates of a model's linear layers, merged into them by a pull.

The format is PEFT's: a folder with `adapter_config.json` and `adapter_model.safetensors`.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from nutgraf_models.errors import ModelError

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# Names of the linear layers: in the Llama of transformers, and in a GGUF file.
GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def digest(folder: Path) -> str:
    """The SHA-256 of an adapter's weights, in hexadecimal.

    Raises:
        ModelError: the folder has no weights.
    """
    return hashlib.sha256(_weights_file(folder).read_bytes()).hexdigest()


def rank_of(folder: Path) -> tuple[int, int]:
    """The rank and alpha of an adapter.

    Raises:
        ModelError: the folder is not an adapter.
    """
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        return int(config["r"]), int(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder.name} is not an adapter in PEFT's format: {error}") from error


def _weights_file(folder: Path) -> Path:
    file = folder / _WEIGHTS
    if not file.is_file():
        raise ModelError(f"{folder} is not an adapter: it has no {_WEIGHTS}")
    return file


def merge(base: Path, adapter: Path, target: Path) -> None:
    """Merges `adapter` into the weights of the GGUF file `base`, and writes them to `target` as Q8_0.

    Q8_0 has 8 bits per weight and a float16 scale per 32 weights; Q4 would round the updates away. One-dimensional
    tensors and all metadata except the file type are copied unchanged.

    Raises:
        ModelError: the adapter does not fit the base model.
    """
    import gguf

    reader = gguf.GGUFReader(base)
    heads = {
        "attn_q": int(reader.fields["llama.attention.head_count"].contents()),
        "attn_k": int(reader.fields["llama.attention.head_count_kv"].contents()),
    }
    updates = updates_of(adapter)
    writer = gguf.GGUFWriter(target, "llama")
    _copy_metadata(reader, writer)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in reader.tensors:
        if len(tensor.shape) == 1:
            writer.add_tensor(tensor.name, np.array(tensor.data))
            continue
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        update = updates.pop(tensor.name, None)
        if update is not None:
            if update.shape != weights.shape:
                raise ModelError(f"the adapter has shape {update.shape} for {tensor.name}, not {weights.shape}")
            kind = tensor.name.split(".")[-2]
            weights = weights + (interleave(update, heads[kind]) if kind in heads else update)
        quantized = gguf.quants.quantize(weights.astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(tensor.name, quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    if updates:
        raise ModelError(f"the adapter changes layers that {base.name} lacks: {', '.join(sorted(updates)[:3])}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleave(weights: np.ndarray, heads: int, *, inverse: bool = False) -> np.ndarray:
    """Converts the row order of a query or key projection from that of transformers to that of Llama in GGUF files.

    A rotary embedding rotates pairs of rows, one from each half of a head. GGUF stores the two rows of a pair next to
    each other, transformers one half after the other. `inverse`: converts from GGUF to transformers.
    """
    rows, columns = weights.shape
    half = rows // heads // 2
    split = (half, 2) if inverse else (2, half)
    return weights.reshape(heads, *split, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors_of(adapter: Path) -> dict[str, np.ndarray]:
    """The adapter's tensors, by name.

    Raises:
        ModelError: the folder is not an adapter.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return load_file(_weights_file(adapter))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{adapter.name} is not an adapter in PEFT's format: {error}") from error


def updates_of(adapter: Path) -> dict[str, np.ndarray]:
    """The update, (out, in), of each layer that the adapter changes, by its GGUF name; rows as in transformers.

    Raises:
        ModelError: the folder is not an adapter, or changes another kind of layer.
    """
    rank, alpha = rank_of(adapter)
    tensors = tensors_of(adapter)
    updates = {}
    for name, down in tensors.items():
        if not name.endswith(".lora_A.weight"):
            continue
        up = tensors.get(name.replace(".lora_A.", ".lora_B."))
        parts = name.removesuffix(".lora_A.weight").split(".")
        layer = parts[parts.index("layers") + 1] if "layers" in parts else ""
        kind = GGUF_NAMES.get(".".join(parts[-2:]))
        if up is None or kind is None or not layer.isdigit():
            raise ModelError(f"{adapter.name} changes {name}, which this package cannot merge")
        updates[f"blk.{layer}.{kind}.weight"] = alpha / rank * (up.astype(np.float32) @ down.astype(np.float32))
    return updates


def _copy_metadata(reader: Any, writer: Any) -> None:
    import gguf

    for field in reader.fields.values():
        # The writer itself writes the counts, the architecture and the file type.
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
