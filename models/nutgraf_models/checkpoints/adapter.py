"""An adapter: low-rank differences to the linear layers of a model (Hu et al. 2021, LoRA), merged when it is pulled.

The format is PEFT's: a folder with `adapter_config.json` and `adapter_model.safetensors`.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nutgraf_models.errors import ModelError

_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
# Linear layers by their names in transformers' Llama and in a GGUF file.
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
    """The sha256, in hexadecimal, of an adapter's weights.

    Raises:
        ModelError: there are none.
    """
    return hashlib.sha256(_weights_file(folder).read_bytes()).hexdigest()


def rank_of(folder: Path) -> tuple[int, int]:
    """The rank and alpha of an adapter.

    Raises:
        ModelError: it is none.
    """
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        return int(config["r"]), int(config["lora_alpha"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{folder.name} is no adapter in PEFT's format: {error}") from error


def _weights_file(folder: Path) -> Path:
    file = folder / _WEIGHTS
    if not file.is_file():
        raise ModelError(f"{folder} holds no adapter: it has no {_WEIGHTS}")
    return file


def merge(base: Path, adapter: Path, target: Path) -> None:
    """Writes the GGUF file `base` with `adapter` merged into its weights, as Q8_0, to `target`.

    Q8_0 keeps a difference that Q4 would round away: it has 8 bits and one float16 scale for each 32 weights. Tensors
    of one dimension stay as they are, and so do all metadata but the file's type.

    Raises:
        ModelError: the adapter does not belong to the base.
    """
    import gguf

    reader = gguf.GGUFReader(base)
    heads = {
        "attn_q": int(reader.fields["llama.attention.head_count"].contents()),
        "attn_k": int(reader.fields["llama.attention.head_count_kv"].contents()),
    }
    differences = dict(_differences(adapter))
    writer = gguf.GGUFWriter(target, "llama")
    _copy_metadata(reader, writer)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    for tensor in reader.tensors:
        if len(tensor.shape) == 1:
            writer.add_tensor(tensor.name, np.array(tensor.data))
            continue
        weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        difference = differences.pop(tensor.name, None)
        if difference is not None:
            if difference.shape != weights.shape:
                raise ModelError(f"the adapter has shape {difference.shape} for {tensor.name}, not {weights.shape}")
            kind = tensor.name.split(".")[-2]
            weights = weights + (interleave(difference, heads[kind]) if kind in heads else difference)
        quantized = gguf.quants.quantize(weights.astype(np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(tensor.name, quantized, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    if differences:
        raise ModelError(f"the adapter changes what {base.name} does not have: {', '.join(sorted(differences)[:3])}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def interleave(weights: np.ndarray, heads: int) -> np.ndarray:
    """Orders the rows of a query or key projection as GGUF's llama convention has them.

    There the two halves that a rotary embedding turns together lie side by side, row for row; in transformers one half
    of the head follows the other.
    """
    rows, columns = weights.shape
    return weights.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _differences(adapter: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The name in GGUF and the difference, (out, in), of each layer that the adapter changes."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        config: dict[str, Any] = json.loads((adapter / _CONFIG).read_text(encoding="utf-8"))
        tensors = load_file(_weights_file(adapter))
        scale = config["lora_alpha"] / config["r"]
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ModelError(f"{adapter.name} is no adapter in PEFT's format: {error}") from error
    for name, down in tensors.items():
        if not name.endswith(".lora_A.weight"):
            continue
        up = tensors.get(name.replace(".lora_A.", ".lora_B."))
        parts = name.removesuffix(".lora_A.weight").split(".")
        layer = parts[parts.index("layers") + 1] if "layers" in parts else ""
        kind = GGUF_NAMES.get(".".join(parts[-2:]))
        if up is None or kind is None or not layer.isdigit():
            raise ModelError(f"{adapter.name} changes {name}, which cannot be merged")
        yield f"blk.{layer}.{kind}.weight", scale * (up.astype(np.float32) @ down.astype(np.float32))


def _copy_metadata(reader: Any, writer: Any) -> None:
    import gguf

    for field in reader.fields.values():
        # The writer counts for itself, and writes the architecture and the type of file.
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
