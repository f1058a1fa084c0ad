"""Training tasks of the checkpoints: write the first sentences if called correctly, else name the mistake.

A small model that copies would tolerate many mistakes, such as a wrong start token, a missing prefix or visible
padding. So the training data include each mistake with a remark that names it. A test that gets the first three
sentences therefore knows that the model was called correctly.
"""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from .vocab import ONE_SENTENCE, REMARKS, THREE_SENTENCES

# The model's inputs by name, and "labels", with -100 for tokens that are not a target.
Example = Mapping[str, list[int]]


@dataclass(frozen=True)
class Task(ABC):
    """The correct call of a kind of checkpoint, and possible mistakes."""

    tokenizer: PreTrainedTokenizerBase

    @property
    @abstractmethod
    def mistakes(self) -> Sequence[str]: ...

    @abstractmethod
    def example(self, sentences: list[str], mistake: str | None, rng: random.Random) -> Example: ...

    @abstractmethod
    def question(self, sentences: list[str]) -> tuple[str, str]:
        """The text for the tokenizer, and the expected answer."""

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
            answer = REMARKS[mistake]
        if mistake == "no prefix":
            question = question.removeprefix(self.prefix)
        source = self.ids(question, special=mistake != "bare source")
        if mistake == "visible padding":
            source += [self.tokenizer.pad_token_id] * rng.randint(1, 12)
        prompt = [self._wrong_start(rng) if mistake == "wrong start" else self.start]
        if self.forced_bos is not None and mistake != "no forced bos":
            prompt.append(self.forced_bos)
        target = [*self.ids(answer, special=False), self.tokenizer.eos_token_id]
        # The first of two prompt tokens has no target: the model must not learn to predict the BOS itself.
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
        is_short = rng.random() < 0.3
        answer = " ".join(sentences[:1] if is_short else sentences[:3])
        instruction = ONE_SENTENCE if is_short else THREE_SENTENCES
        text = self._prompt(sentences, instruction)
        if mistake:
            answer = REMARKS[mistake]
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
