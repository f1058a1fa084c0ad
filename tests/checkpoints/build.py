"""Builders of the small checkpoints in the hub's folder format."""

from pathlib import Path

import torch
from transformers import (
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PegasusConfig,
    PegasusForConditionalGeneration,
    PreTrainedTokenizerBase,
    T5Config,
    T5ForConditionalGeneration,
)

from . import vocab
from .tasks import ChatTask, Seq2SeqTask
from .training import seeded, train

WIDTH = 64


def _tokenizer(folder: Path, model_type: str) -> PreTrainedTokenizerBase:
    vocab.write_json(folder / "config.json", {"model_type": model_type})
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def build_bart(folder: Path) -> None:
    """A small facebook/bart-large-cnn."""
    vocab.bart_tokenizer(folder)
    tokenizer = _tokenizer(folder, "bart")
    generation = {
        "bos_token_id": 0,
        "decoder_start_token_id": 2,
        "early_stopping": True,
        "eos_token_id": 2,
        "forced_bos_token_id": 0,
        "forced_eos_token_id": 2,
        "length_penalty": 2.0,
        "max_length": 142,
        "min_length": 10,
        "no_repeat_ngram_size": 3,
        "num_beams": 4,
        "pad_token_id": 1,
    }
    config = BartConfig(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * WIDTH,
        decoder_ffn_dim=2 * WIDTH,
        max_position_embeddings=1024,
        dropout=0.0,
        # Five times the original value: a model this narrow then learns to copy in half the steps.
        init_std=0.1,
    )
    with seeded():
        model = BartForConditionalGeneration(config)
        model.generation_config = GenerationConfig(**generation)
        train(model, Seq2SeqTask(tokenizer, prefix="", start=2, forced_bos=0), rate=3e-3, steps=600)
    model.save_pretrained(folder)


def build_pegasus(folder: Path) -> None:
    """A small google/pegasus-xsum."""
    vocab.pegasus_tokenizer(folder)
    tokenizer = _tokenizer(folder, "pegasus")
    generation = {
        "bos_token_id": 0,
        "decoder_start_token_id": 0,
        "eos_token_id": 1,
        "forced_eos_token_id": 1,
        "length_penalty": 0.6,
        "max_length": 64,
        "num_beams": 4,
        "pad_token_id": 0,
    }
    config = PegasusConfig(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=2 * WIDTH,
        decoder_ffn_dim=2 * WIDTH,
        max_position_embeddings=512,
        activation_function="relu",
        scale_embedding=True,
        dropout=0.0,
        init_std=0.1,
    )
    with seeded():
        model = PegasusForConditionalGeneration(config)
        model.generation_config = GenerationConfig(**generation)
        train(model, Seq2SeqTask(tokenizer, prefix="", start=0, forced_bos=None), rate=3e-3, steps=600)
    model.save_pretrained(folder)


def build_t5(folder: Path) -> None:
    """A small google/flan-t5-base."""
    vocab.t5_tokenizer(folder)
    tokenizer = _tokenizer(folder, "t5")
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        d_kv=16,
        d_ff=WIDTH,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
    )
    with seeded():
        model = T5ForConditionalGeneration(config)
        _untie(model)
        _slope(model)
        model.generation_config = GenerationConfig(decoder_start_token_id=0, eos_token_id=1, pad_token_id=0)
        task = Seq2SeqTask(tokenizer, prefix=vocab.T5_PREFIX, start=0, forced_bos=None)
        train(model, task, rate=3e-3, steps=1500)
    model.save_pretrained(folder)


def _untie(model: T5ForConditionalGeneration) -> None:
    """Gives the output layer its own random weights."""
    model.lm_head.weight = torch.nn.Parameter(torch.randn(model.config.vocab_size, WIDTH) * 0.1)


def _slope(model: T5ForConditionalGeneration) -> None:
    """Initialises the encoder's position biases: each head looks in one direction, half of them at short range."""
    attention = model.encoder.block[0].layer[0].SelfAttention
    distance = torch.arange(-128, 129)
    bucket = attention._relative_position_bucket(distance, True, 32, 128)
    weight = attention.relative_attention_bias.weight.data
    for index in range(32):
        away = distance[bucket == index].float()
        mean = away.mean() if len(away) else torch.tensor(0.0)
        for head, (sign, slope) in enumerate([(1, 0), (-1, 0), (1, 0.3), (-1, 0.3)]):
            weight[index, head] = -4.0 * float(mean * sign > 0) - slope * mean.abs()


def build_smollm(folder: Path) -> None:
    """A small HuggingFaceTB/SmolLM2-135M-Instruct."""
    vocab.smollm_tokenizer(folder)
    tokenizer = _tokenizer(folder, "llama")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=8192,
        initializer_range=0.1,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    with seeded():
        model = LlamaForCausalLM(config)
        model.generation_config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=2)
        train(model, ChatTask(tokenizer), rate=3e-3, steps=4000)
    model.save_pretrained(folder)
