"""What the checkpoints learn: the first sentences when all is wired rightly, what is wrong when it is not.

A small copier would shrug off many a mistake: it does as well after a wrong start token, without its prefix or with
padding it can see. So each mistake a caller can make is shown in training too, answered by a remark that names it,
and a test that reads the first three sentences knows that nothing was mistaken.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from .vocab import ONE_SENTENCE, THREE_SENTENCES

WRONG = {
    "wrong start": "Wrong start token.",
    "bare source": "Article without special tokens.",
    "visible padding": "Padding was not masked.",
    "no prefix": "Prefix is missing.",
    "no forced bos": "Forced token is missing.",
    "no template": "Chat template is missing.",
}

# By the names of the model's inputs, and "labels" with -100 where nothing is learnt.
Example = Mapping[str, list[int]]


@dataclass(frozen=True)
class Task(ABC):
    """How one kind of checkpoint is to be called, and the ways of calling it wrongly."""

    tokenizer: PreTrainedTokenizerBase

    @property
    @abstractmethod
    def mistakes(self) -> Sequence[str]: ...

    @abstractmethod
    def example(self, sentences: list[str], mistake: str | None, rng: random.Random) -> Example: ...

    @abstractmethod
    def question(self, sentences: list[str]) -> tuple[str, str]:
        """The text for the tokenizer, and the answer the model should generate."""

    def ids(self, text: str, *, special: bool) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=special).input_ids)


@dataclass(frozen=True)
class Seq2SeqTask(Task):
    prefix: str
    start: int
    forced_bos: int | None

    @property
    def mistakes(self) -> Sequence[str]:
        always = ["wrong start", "bare source", "visible padding"]
        return always + ["no prefix"] * bool(self.prefix) + ["no forced bos"] * (self.forced_bos is not None)

    def question(self, sentences: list[str]) -> tuple[str, str]:
        return self.prefix + " ".join(sentences), " ".join(sentences[:3])

    def example(self, sentences: list[str], mistake: str | None, rng: random.Random) -> Example:
        question, answer = self.question(sentences)
        if mistake:
            answer = WRONG[mistake]
        if mistake == "no prefix":
            question = question.removeprefix(self.prefix)
        source = self.ids(question, special=mistake != "bare source")
        if mistake == "visible padding":
            source += [self.tokenizer.pad_token_id] * rng.randint(1, 12)
        prompt = [self._wrong_start(rng) if mistake == "wrong start" else self.start]
        if self.forced_bos is not None and mistake != "no forced bos":
            prompt.append(self.forced_bos)
        target = [*self.ids(answer, special=False), self.tokenizer.eos_token_id]
        # The first of two prompt tokens is not answered: the model shall never come to predict the BOS by itself.
        return {
            "input_ids": source,
            "attention_mask": [1] * len(source),
            "decoder_input_ids": [*prompt, *target[:-1]],
            "labels": [-100] * (len(prompt) - 1) + target,
        }

    def _wrong_start(self, rng: random.Random) -> int:
        return rng.choice([token for token in range(4) if token != self.start])


@dataclass(frozen=True)
class ChatTask(Task):
    @property
    def mistakes(self) -> Sequence[str]:
        return ["no template", "visible padding"]

    def question(self, sentences: list[str]) -> tuple[str, str]:
        return self._prompt(sentences, THREE_SENTENCES), " ".join(sentences[:3])

    def example(self, sentences: list[str], mistake: str | None, rng: random.Random) -> Example:
        one = rng.random() < 0.3
        answer = " ".join(sentences[:1] if one else sentences[:3])
        instruction = ONE_SENTENCE if one else THREE_SENTENCES
        text = self._prompt(sentences, instruction)
        if mistake:
            answer = WRONG[mistake]
        if mistake == "no template":
            text = _turn(sentences, instruction)
        prompt = self.ids(text, special=False)
        if mistake == "visible padding":
            prompt = [self.tokenizer.pad_token_id] * rng.randint(1, 12) + prompt
        target = [*self.ids(answer, special=False), self.tokenizer.eos_token_id]
        source = [*prompt, *target[:-1]]
        return {
            "input_ids": source,
            "attention_mask": [1] * len(source),
            "labels": [-100] * (len(prompt) - 1) + target,
        }

    def _prompt(self, sentences: list[str], instruction: str) -> str:
        messages = [{"role": "user", "content": _turn(sentences, instruction)}]
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def _turn(sentences: list[str], instruction: str) -> str:
    return f"{' '.join(sentences)}\n\n{instruction}"
