"""A Llama decoder with LoRA on its linear layers (Hu et al. 2021), for training on a CPU.

Weights, activations and products share one precision: bfloat16 if the CPU multiplies it in hardware (a step then takes
0.4 of the time of PEFT and transformers in float32), else float32. The adapter and its gradients stay in float32.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from nutgraf_models.checkpoints.adapter import GGUF_NAMES
from nutgraf_models.errors import ModelError

# Names of a block's linear layers in transformers, attention first.
LAYERS = tuple(GGUF_NAMES)


class LoraDecoder:
    """The frozen weights of `base`, a `LlamaForCausalLM`, and a trainable adapter.

    Args:
        base: the model; its weights are converted to `dtype`.
        rank, alpha: of the adapter, which is initially a no-op.
        layers: the blocks that get an adapter; blocks after them are dropped. None: all blocks.
        seed: for the random half of the adapter.
        round_inputs: number of inputs of a linear layer that an engine rounds to 8 bits with a common scale, so that
            training takes that rounding into account; 0 for no rounding.

    Raises:
        ModelError: the model's architecture is not Llama without biases.
    """

    def __init__(
        self,
        base: Any,
        rank: int,
        alpha: int,
        *,
        dtype: torch.dtype = torch.float32,
        layers: range | None = None,
        seed: int = 7,
        round_inputs: int = 0,
    ) -> None:
        config = base.config
        if config.model_type != "llama" or config.attention_bias or config.mlp_bias:
            raise ModelError(f"training supports only Llama models without biases, not {config.model_type}")
        self.rank, self.alpha, self.dtype, self.round_inputs = rank, alpha, dtype, round_inputs
        self.device = base.device
        self._heads, self._key_heads = config.num_attention_heads, config.num_key_value_heads
        self._size = config.hidden_size // config.num_attention_heads
        self._epsilon = config.rms_norm_eps
        powers = torch.arange(0, self._size, 2, device=self.device).float() / self._size
        self._frequencies = 1.0 / config.rope_parameters["rope_theta"] ** powers
        self.embedding = base.model.embed_tokens.weight.detach().to(dtype)
        self._head = base.lm_head.weight.detach().to(dtype)
        self._norm = base.model.norm.weight.detach().float()
        self._blocks = [
            (
                {name: block.get_submodule(name).weight.detach().to(dtype).contiguous() for name in LAYERS},
                block.input_layernorm.weight.detach().float(),
                block.post_attention_layernorm.weight.detach().float(),
            )
            for block in base.model.layers[: None if layers is None else layers.stop]
        ]
        generator = torch.Generator().manual_seed(seed)
        # By block and layer: the projections down to the rank and up from it.
        self.down: dict[tuple[int, str], torch.nn.Parameter] = {}
        self.up: dict[tuple[int, str], torch.nn.Parameter] = {}
        for index, (weights, _, _) in enumerate(self._blocks):
            if layers is not None and index not in layers:
                continue
            for name, weight in weights.items():
                out, into = weight.shape
                start = (2 * torch.rand(rank, into, generator=generator) - 1) / into**0.5
                self.down[index, name] = torch.nn.Parameter(start.to(self.device))
                self.up[index, name] = torch.nn.Parameter(torch.zeros(out, rank, device=self.device))
        self._cast: dict[int, torch.Tensor] = {}
        self.refresh()

    def parameters(self) -> list[torch.nn.Parameter]:
        return [*self.down.values(), *self.up.values()]

    def refresh(self) -> None:
        """Updates the cast copies of the adapter; call it after its parameters change."""
        self._cast = {
            id(parameter): parameter.detach().to(self.dtype).requires_grad_() for parameter in self.parameters()
        }

    def collect_gradients(self) -> None:
        """Adds the gradients of the cast copies to those of the parameters, in float32."""
        for parameter in self.parameters():
            cast = self._cast[id(parameter)]
            if cast.grad is not None:
                gradient = cast.grad.float()
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
                cast.grad = None

    def nll(
        self, tokens: Sequence[int], positions: Sequence[int], visible: torch.Tensor, targets: Sequence[int]
    ) -> torch.Tensor:
        """The cross entropy, in nats, of each of the `targets`, which are indexes into `tokens`.

        `visible`: the attention mask of shape (tokens, tokens), true where a token (row) attends to another (column).
        """
        ids = torch.tensor(tokens, device=self.device)
        hidden = self.hidden(ids, torch.tensor(positions, device=self.device), visible.to(self.device))
        predicted = torch.tensor(targets, device=self.device)
        logits = (hidden[predicted - 1] @ self._head.t()).float()
        return functional.cross_entropy(logits, ids[predicted], reduction="none")

    def hidden(self, ids: torch.Tensor, positions: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """The normalised outputs of the last block, of shape (tokens, hidden size); `visible`: as in `nll`."""
        count, group = len(ids), self._heads // self._key_heads
        # Heads that share keys form one long sequence of queries, so that keys are not repeated.
        bias = torch.zeros(visible.shape, dtype=self.dtype, device=self.device).masked_fill_(~visible, float("-inf"))
        bias = bias.repeat(group, 1).expand(self._key_heads, -1, -1)
        angles = positions[:, None].float() * self._frequencies
        cosine, sine = angles.cos().to(self.dtype).repeat(1, 2), angles.sin().to(self.dtype)
        sine = torch.cat([-sine, sine], -1)
        hidden = functional.embedding(ids, self.embedding)
        for index, (weights, before_attention, before_mlp) in enumerate(self._blocks):

            def linear(name: str, value: torch.Tensor, index: int = index, weights: Any = weights) -> torch.Tensor:
                if (index, name) not in self.down:
                    return value @ weights[name].t()  # type: ignore[no-any-return]
                down, up = (self._cast[id(part[index, name])] for part in (self.down, self.up))
                return _low_rank(value, weights[name], down, up, self.alpha / self.rank)

            def heads(value: torch.Tensor, number: int) -> torch.Tensor:
                return value.view(count, number, self._size).transpose(0, 1)

            normed = self._rounded(_normed(hidden, before_attention, self._epsilon))
            queries = _rotate(heads(linear("self_attn.q_proj", normed), self._heads), cosine, sine)
            keys = _rotate(heads(linear("self_attn.k_proj", normed), self._key_heads), cosine, sine)
            values = heads(linear("self_attn.v_proj", normed), self._key_heads)
            queries = queries.reshape(self._key_heads, group * count, self._size)
            scores = torch.baddbmm(bias, queries, keys.transpose(1, 2), alpha=self._size**-0.5)
            seen = torch.bmm(scores.softmax(-1), values).view(self._heads, count, self._size)
            hidden = hidden + linear("self_attn.o_proj", self._rounded(seen.transpose(0, 1).reshape(count, -1)))
            normed = self._rounded(_normed(hidden, before_mlp, self._epsilon))
            gated = functional.silu(linear("mlp.gate_proj", normed)) * linear("mlp.up_proj", normed)
            hidden = hidden + linear("mlp.down_proj", self._rounded(gated))
        return self._rounded(_normed(hidden, self._norm, self._epsilon))

    def _rounded(self, value: torch.Tensor) -> torch.Tensor:
        return rounded(value, self.round_inputs) if self.round_inputs else value

    def save(self, folder: Path, others: Mapping[str, torch.Tensor] | None = None) -> None:
        """Writes the adapter in PEFT's format, as float16; `others`: further tensors for the same file, by name."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "target_modules": sorted(name.rpartition(".")[2] for name in LAYERS),
            "base_model_name_or_path": None,
        }
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        named = [*self._named(), *(others or {}).items()]
        weights = {name: value.detach().half().cpu().contiguous() for name, value in named}
        save_file(weights, folder / "adapter_model.safetensors")

    def load(self, folder: Path) -> None:
        """Loads an adapter of the same rank, written by `save` or PEFT.

        Raises:
            ModelError: the adapter belongs to another model.
        """
        weights = load_file(folder / "adapter_model.safetensors")
        with torch.no_grad():
            for name, parameter in self._named():
                if name not in weights or weights[name].shape != parameter.shape:
                    raise ModelError(
                        f"{folder.name} is not an adapter for this model: it lacks {name} of {parameter.shape}"
                    )
                parameter.copy_(weights[name])
        self.refresh()

    def _named(self) -> list[tuple[str, torch.nn.Parameter]]:
        return [
            (f"base_model.model.model.layers.{index}.{name}.lora_{half}.weight", parameter)
            for half, part in (("A", self.down), ("B", self.up))
            for (index, name), parameter in part.items()
        ]


def rounded(value: torch.Tensor, group: int) -> torch.Tensor:
    """Rounds each `group` of a row's values to 8 bits with a common scale; the gradient passes unchanged.

    The straight-through estimator of Bengio et al. (2013).
    """
    groups = value.detach().float().reshape(*value.shape[:-1], -1, group)
    scale = groups.abs().amax(-1, keepdim=True).clamp_min(1e-12) / 127
    nearest = ((groups / scale).round() * scale).flatten(-2).to(value.dtype)
    result: torch.Tensor = value + (nearest - value.detach())
    return result


def _low_rank(value: torch.Tensor, weight: torch.Tensor, down: Any, up: Any, scale: float) -> torch.Tensor:
    result: torch.Tensor = _Lora.apply(value, weight, down, up, scale)  # type: ignore[no-untyped-call]
    return result


def _normed(value: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
    result: torch.Tensor = _Norm.apply(value, weight, epsilon)  # type: ignore[no-untyped-call]
    return result


class _Lora(torch.autograd.Function):
    """x Wᵀ + s (x Aᵀ) Bᵀ without the gradient for W, which autograd would compute."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, weight: torch.Tensor, down: Any, up: Any, scale: float) -> torch.Tensor:
        low = value @ down.t()
        ctx.save_for_backward(value, weight, down, up, low)
        ctx.scale = scale
        return torch.addmm(value @ weight.t(), low, up.t(), alpha=scale)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        value, weight, down, up, low = ctx.saved_tensors
        low_gradient = (gradient @ up) * ctx.scale
        value_gradient = torch.addmm(gradient @ weight, low_gradient, down) if ctx.needs_input_grad[0] else None
        return value_gradient, None, low_gradient.t() @ value, (gradient.t() @ low) * ctx.scale, None


class _Norm(torch.autograd.Function):
    """Root mean square normalisation (Zhang and Sennrich 2019), always in float32."""

    @staticmethod
    def forward(ctx: Any, value: torch.Tensor, weight: torch.Tensor, epsilon: float) -> torch.Tensor:
        wide = value.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + epsilon)
        normed = wide * scale
        ctx.save_for_backward(normed, scale, weight)
        return (normed * weight).to(value.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        normed, scale, weight = ctx.saved_tensors
        weighted = gradient.float() * weight
        result = (weighted - normed * (weighted * normed).mean(-1, keepdim=True)) * scale
        return result.to(gradient.dtype), None, None


def _rotate(value: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Rotary position embedding (Su et al. 2021), applied to the two halves of each head."""
    half = value.shape[-1] // 2
    return value * cosine + torch.cat([value[..., half:], value[..., :half]], -1) * sine
