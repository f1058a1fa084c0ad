"""The ranker of main points, in OpenVINO's format.

A pointer network (Vinyals et al. 2015) over a decoder: it reads an article and a question, and the hidden state of the
question's last token points to those of the sentences' last tokens. The decoder is the first layers of a GGUF model
with a LoRA adapter of its own.
"""

from pathlib import Path
from typing import Any

import numpy as np

from nutgraf_models.checkpoints.adapter import GGUF_NAMES, interleave, tensors_of, updates_of
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.openvino_import import openvino

FILE = "main_point.xml"
# Names of the tensors that an adapter of a ranker has beside those of LoRA: two linear layers to a common space, and
# one to a score.
HEAD = ("ranker.query.weight", "ranker.query.bias", "ranker.key.weight", "ranker.key.bias", "ranker.own.weight")
# Weights that share a scale, as in Q8_0.
_GROUP = 32
_QUERY_AND_KEY = ("attn_q", "attn_k")


def write_ranker(base: Path, adapter: Path, target: Path) -> None:
    """Builds the ranker from the GGUF file `base` and the adapter, and writes it to `target`, with 8 bits per weight.

    The inputs are the tokens, int64 of shape (1, tokens), and the indexes of the sentences' last tokens, int64 of shape
    (sentences,); the output is a score, float32, for each sentence.

    Raises:
        ModelError: the adapter does not fit the base model.
    """
    import gguf

    reader = gguf.GGUFReader(base)
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    updates = updates_of(adapter)
    head = {name: value.astype(np.float32) for name, value in tensors_of(adapter).items() if name in HEAD}
    if len(head) < len(HEAD):
        raise ModelError(f"{adapter.name} is not a ranker's adapter: it lacks {(set(HEAD) - head.keys()).pop()}")

    def field(name: str) -> Any:
        return reader.fields[f"llama.{name}"].contents()

    heads, key_heads = int(field("attention.head_count")), int(field("attention.head_count_kv"))

    def weights(name: str) -> np.ndarray:
        if name not in tensors:
            raise ModelError(f"the adapter changes {name}, which {base.name} lacks")
        value: np.ndarray = gguf.quants.dequantize(tensors[name].data, tensors[name].tensor_type).astype(np.float32)
        kind = name.split(".")[-2]
        if kind in _QUERY_AND_KEY:
            value = interleave(value, heads if kind == "attn_q" else key_heads, inverse=True)
        update = updates.get(name)
        if update is not None and update.shape != value.shape:
            raise ModelError(f"the adapter has shape {update.shape} for {name}, not {value.shape}")
        return value if update is None else value + update

    layers = 1 + max(int(name.split(".")[1]) for name in updates)
    graph = _Graph(heads, key_heads, float(field("attention.layer_norm_rms_epsilon")), float(field("rope.freq_base")))
    ops = graph.ops
    tokens = ops.parameter([1, -1], np.int64, name="tokens")
    ends = ops.parameter([-1], np.int64, name="ends")
    hidden = graph.embedded(tokens, weights("token_embd.weight"))
    for layer in range(layers):
        block = {kind: weights(f"blk.{layer}.{kind}.weight") for kind in GGUF_NAMES.values()}
        norms = [weights(f"blk.{layer}.{kind}.weight") for kind in ("attn_norm", "ffn_norm")]
        hidden = graph.block(hidden, block, *norms)
    hidden = ops.squeeze(graph.normed(hidden, weights("output_norm.weight")), np.array([0]))
    last = ops.gather(hidden, ops.constant(np.array([-1])), np.array(0))
    sentences = ops.gather(hidden, ends, np.array(0))

    def linear(value: Any, name: str) -> Any:
        product = ops.matmul(value, ops.constant(head[f"ranker.{name}.weight"]), False, True)
        bias = head.get(f"ranker.{name}.bias")
        return product if bias is None else ops.add(product, ops.constant(bias))

    query, keys = linear(last, "query"), linear(sentences, "key")
    pointed = ops.multiply(ops.matmul(keys, query, False, True), np.float32(len(head["ranker.key.weight"]) ** -0.5))
    scores = ops.squeeze(ops.add(pointed, linear(sentences, "own")), np.array([1]))
    openvino.save_model(openvino.Model([ops.result(scores)], [tokens, ends], "ranker"), target, compress_to_fp16=False)


class _Graph:
    """Builds the blocks of a Llama decoder for a whole text at once, without a cache."""

    def __init__(self, heads: int, key_heads: int, epsilon: float, theta: float) -> None:
        self.ops: Any = openvino.opset13
        self._heads, self._key_heads, self._epsilon, self._theta = heads, key_heads, epsilon, theta
        self._angles: Any = None

    def embedded(self, tokens: Any, table: np.ndarray) -> Any:
        ops = self.ops
        size = table.shape[1] // self._heads
        frequencies = (1.0 / self._theta ** (np.arange(0, size, 2) / size)).astype(np.float32)
        count = ops.gather(ops.shape_of(tokens), np.array(1), np.array(0))
        positions = ops.convert(ops.range(np.int64(0), count, np.int64(1), "i64"), "f32")
        angles = ops.multiply(ops.unsqueeze(positions, np.array([1])), ops.constant(np.tile(frequencies, 2)[None]))
        self._angles = ops.cos(angles), ops.sin(angles)
        integers, scale = _rounded(table)
        rows = [
            ops.gather(ops.constant(part), tokens, np.array(0))
            for part in (integers[:, 0].astype(np.int8), scale[:, 0])
        ]
        return ops.multiply(ops.convert(rows[0], "f32"), rows[1])

    def block(
        self, hidden: Any, layers: dict[str, np.ndarray], attention_norm: np.ndarray, mlp_norm: np.ndarray
    ) -> Any:
        ops = self.ops
        normed = self.normed(hidden, attention_norm)
        queries = self._rotated(self._split(self._linear(normed, layers["attn_q"]), self._heads))
        keys = self._rotated(self._split(self._linear(normed, layers["attn_k"]), self._key_heads))
        values = self._split(self._linear(normed, layers["attn_v"]), self._key_heads)
        repeated = [self._repeated(value) for value in (keys, values)]
        attended = ops.scaled_dot_product_attention(queries, *repeated, causal=True)
        merged = ops.reshape(ops.transpose(attended, np.array([0, 2, 1, 3])), np.array([0, 0, -1]), True)
        hidden = ops.add(hidden, self._linear(merged, layers["attn_output"]))
        normed = self.normed(hidden, mlp_norm)
        gated = ops.multiply(
            ops.swish(self._linear(normed, layers["ffn_gate"])), self._linear(normed, layers["ffn_up"])
        )
        return ops.add(hidden, self._linear(gated, layers["ffn_down"]))

    def normed(self, hidden: Any, weight: np.ndarray) -> Any:
        """Root mean square normalisation (Zhang and Sennrich 2019)."""
        ops = self.ops
        mean = ops.reduce_mean(ops.multiply(hidden, hidden), np.array([-1]), True)
        scale = ops.sqrt(ops.add(mean, np.float32(self._epsilon)))
        return ops.multiply(ops.divide(hidden, scale), ops.constant(weight.astype(np.float32)))

    def _linear(self, value: Any, weight: np.ndarray) -> Any:
        ops = self.ops
        integers, scale = _rounded(weight, _GROUP)
        plain = ops.subtract(ops.convert(ops.constant((integers + 128).astype(np.uint8)), "f32"), np.float32(128))
        restored = ops.reshape(ops.multiply(plain, ops.constant(scale)), np.array(weight.shape), False)
        return ops.matmul(value, restored, False, True)

    def _split(self, value: Any, heads: int) -> Any:
        """From (1, tokens, heads * size) to (1, heads, tokens, size)."""
        split = self.ops.reshape(value, np.array([0, 0, heads, -1]), True)
        return self.ops.transpose(split, np.array([0, 2, 1, 3]))

    def _rotated(self, value: Any) -> Any:
        """Rotary position embedding (Su et al. 2021), applied to the two halves of each head."""
        ops = self.ops
        cosine, sine = self._angles
        first, second = ops.split(value, np.array(-1), 2).outputs()
        turned = ops.concat([ops.negative(second), first], -1)
        return ops.add(ops.multiply(value, cosine), ops.multiply(turned, sine))

    def _repeated(self, value: Any) -> Any:
        """Repeats each key head for the query heads that share it."""
        ops = self.ops
        group = self._heads // self._key_heads
        size = value.get_output_partial_shape(0)[3].get_length()
        wide = ops.concat([ops.unsqueeze(value, np.array([2]))] * group, 2)
        return ops.reshape(wide, np.array([1, self._heads, -1, size]), False)


def _rounded(weight: np.ndarray, group: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The weights of each row as 8-bit integers, (rows, groups, group), and the scales of the groups."""
    groups = weight.reshape(len(weight), -1, group or weight.shape[1])
    scale = np.maximum(np.abs(groups).max(-1, keepdims=True), 1e-12) / 127
    return np.rint(groups / scale).astype(np.int16), scale.astype(np.float32)
