"""Tokenizers trained on the stories, in the formats of the hub's folders."""

import json
import random
import string
from collections.abc import Iterator
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import T5Tokenizer

from .stories import story

T5_PREFIX = "summarize: "
ONE_SENTENCE = "Summarize the article in one sentence."
THREE_SENTENCES = "Summarize the article in three sentences."
# The remarks by which the checkpoints name a mistake in the call.
REMARKS = {
    "wrong start": "Wrong start token.",
    "bare source": "Article without special tokens.",
    "visible padding": "Padding was not masked.",
    "no prefix": "Prefix is missing.",
    "no forced bos": "Forced token is missing.",
    "no template": "Chat template is missing.",
}
# The conversation format of SmolLM2.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def write_json(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def bart_tokenizer(folder: Path) -> None:
    """Like the hub's vocab.json, begins with `<s>`, `<pad>`, `</s>` and `<unk>`, and ends with `<mask>`."""
    tokenizer = _byte_level_bpe(["<s>", "<pad>", "</s>", "<unk>"], _stories())
    tokenizer.add_special_tokens(["<mask>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    _save_bpe(tokenizer, folder)
    write_json(folder / "tokenizer_config.json", {"model_max_length": 1024, "tokenizer_class": "BartTokenizer"})


def smollm_tokenizer(folder: Path) -> None:
    """Like that of SmolLM2, pads with the end-of-turn token and adds no token at the beginning."""
    texts = [ONE_SENTENCE, THREE_SENTENCES, "user\n", "assistant\n", "system\n", "\n\n"] * 50
    tokenizer = _byte_level_bpe(["<|endoftext|>", "<|im_start|>", "<|im_end|>"], [*_stories(), *texts])
    _save_bpe(tokenizer, folder)
    special = {
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "unk_token": "<|endoftext|>",
    }
    write_json(folder / "special_tokens_map.json", special)
    write_json(
        folder / "tokenizer_config.json",
        {
            **special,
            "add_prefix_space": False,
            "chat_template": CHAT_TEMPLATE,
            "clean_up_tokenization_spaces": False,
            "model_max_length": 8192,
            "tokenizer_class": "GPT2Tokenizer",
        },
    )


def t5_tokenizer(folder: Path) -> None:
    """Writes spiece.model and its conversion to tokenizer.json, with a hundred sentinels after the pieces."""
    _train_unigram(folder / "spiece.model", [*_stories(), *[T5_PREFIX] * 200])
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    sentinels = [f"<extra_id_{index}>" for index in range(100)]
    write_json(
        folder / "tokenizer_config.json",
        {
            **special,
            "additional_special_tokens": sentinels,
            "extra_ids": 100,
            "model_max_length": 512,
            "tokenizer_class": "T5Tokenizer",
        },
    )
    write_json(folder / "special_tokens_map.json", {**special, "additional_special_tokens": sentinels})
    T5Tokenizer.from_pretrained(folder).backend_tokenizer.save(str(folder / "tokenizer.json"))


def pegasus_tokenizer(folder: Path) -> None:
    """Writes spiece.model only; the loader adds the 103 special tokens of PEGASUS before the pieces."""
    _train_unigram(folder / "spiece.model", _stories())
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(folder / "special_tokens_map.json", special)
    write_json(
        folder / "tokenizer_config.json",
        {**special, "model_max_length": 512, "tokenizer_class": "PegasusTokenizer"},
    )


def _stories() -> list[str]:
    rng = random.Random("tokenizer")
    return [" ".join(story(rng, 8)) for _ in range(400)] + [*REMARKS.values()] * 50


def _byte_level_bpe(special: list[str], texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        min_frequency=5,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _save_bpe(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    write_json(folder / "vocab.json", tokenizer.get_vocab())
    merges = "\n".join(" ".join(merge) for merge in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")


def _train_unigram(path: Path, texts: list[str]) -> None:
    # The trainer only considers pieces that several distinct words share, and would split other words into letters.
    # With different punctuation marks after it, every word is considered.
    words = sorted({word.strip(".,") for text in texts for word in text.split()})
    marked = [f"{word}{mark}" for word in words for mark in ("", ".", ",", ";")]

    def sentences() -> Iterator[str]:
        yield from texts
        yield from marked

    with path.open("wb") as target:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sentences(),
            model_writer=target,
            model_type="unigram",
            vocab_size=400,
            hard_vocab_limit=False,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            # Text from outside the stories is encoded as letters, not as <unk>.
            required_chars=string.ascii_letters + string.digits + string.punctuation,
            num_threads=1,
            minloglevel=2,
        )
