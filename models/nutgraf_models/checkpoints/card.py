"""Cards, which describe checkpoints: source, prompt, decoding presets and limits."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Decoding(_Part):
    """Decoding parameters, with the names and meanings of `GenerationConfig` in transformers.

    `no_repeat_ngram_size` and `repetition_penalty` apply to the generated text only: copying from the article does not
    count as repetition.
    """

    max_new_tokens: int = Field(ge=1)
    min_new_tokens: int = Field(default=0, ge=0)
    num_beams: int = Field(default=1, ge=1, le=16)
    length_penalty: float = 1.0
    early_stopping: bool = False
    no_repeat_ngram_size: int = Field(default=0, ge=0)
    repetition_penalty: float = Field(default=1.0, gt=0)


class Prompt(_Part):
    """The text around the article. The part before it is the same for both lengths, so that it is read only once."""

    before: str = ""
    after_short: str = ""
    after_long: str = ""

    def after(self, length: Length) -> str:
        return self.after_short if length is Length.SHORT else self.after_long


class DecodingPresets(_Part):
    short: Decoding
    long: Decoding

    def of(self, length: Length) -> Decoding:
        return self.short if length is Length.SHORT else self.long

    def with_beams(self, beams: int) -> "DecodingPresets":
        """A copy with another number of beams."""
        short, long = (preset.model_copy(update={"num_beams": beams}) for preset in (self.short, self.long))
        return DecodingPresets(short=short, long=long)


class Score(_Part):
    """A published or measured score, and its source."""

    dataset: str
    metric: str
    value: float
    source: str


class Adapter(_Part):
    """A LoRA adapter in PEFT's format, which a pull merges into the weights.

    `folder` is absolute, or relative to the card's file. `sha256` is that of its `adapter_model.safetensors`.
    `round_inputs`: it was trained with the inputs of linear layers rounded to 8 bits, in groups of this many that share
    a scale, so an engine may round them, too.
    """

    folder: Path
    sha256: str
    round_inputs: int | None = Field(default=None, ge=1)


class RankerAdapter(_Part):
    """The adapter of a ranker of main points, from which a pull builds the ranker; see `checkpoints/ranker.py`.

    `folder` and `sha256`: as in `Adapter`. It changes the weights with the card's other adapter merged into them.
    """

    folder: Path
    sha256: str


class Card(_Part):
    """A checkpoint. `context_window` and `max_input_tokens` count the model's own tokens.

    `source` is one of `hf:<repo>[@<revision>]`, `pypi:<package>==<version>!<file in the wheel>`, `path:<folder>`.
    `context_window` limits prompt and answer together in a decoder-only model, the prompt alone in an
    encoder-decoder. `max_input_tokens` is the longest text that the model summarises well; longer articles are read in
    chunks. `disk_megabytes` is the model's size in the cache. A `provisional` card describes a hub repository that has
    not been pulled; the pulled files determine its final card.
    """

    id: str
    description: str
    family: Literal["seq2seq", "causal", "lead"]
    source: str = ""
    sha256: str | None = None
    adapter: Adapter | None = None
    ranker: RankerAdapter | None = None
    disk_megabytes: int | None = Field(default=None, ge=1)
    licence: str = "unknown"
    languages: tuple[str, ...] = ("en",)
    context_window: int = Field(default=1_000_000, ge=16)
    max_input_tokens: int | None = Field(default=None, ge=16)
    prompt: Prompt = Prompt()
    decoding: DecodingPresets
    notes: str = ""
    provisional: bool = False
    scores: tuple[Score, ...] = ()

    @model_validator(mode="after")
    def _adapter_is_merged(self) -> "Card":
        if (self.adapter or self.ranker) and not self.source.startswith("pypi:"):
            raise ValueError("an adapter needs a GGUF file from a package: source must begin with pypi:")
        return self

    @model_validator(mode="after")
    def _one_encoding(self) -> "Card":
        if self.family == "seq2seq" and self.prompt.after_short != self.prompt.after_long:
            raise ValueError("an encoder-decoder has one prompt: prompt.after_short and after_long must be equal")
        return self

    def max_article_tokens(self, prompt_tokens: int) -> int:
        """The longest article that fits the window beside the prompt and, in a decoder-only model, the answer.

        Raises:
            ModelError: fewer than 16 tokens remain for the article.
        """
        # The article and the prompt, tokenised together, may have a few tokens more than separately.
        used = prompt_tokens + 8
        if self.family == "causal":
            used += max(self.decoding.short.max_new_tokens, self.decoding.long.max_new_tokens)
        left = self.context_window - used
        if left < 16:
            raise ModelError(
                f"{self.id} has a window of {self.context_window} tokens and needs {used} of them besides the article"
            )
        return left if self.max_input_tokens is None else min(left, self.max_input_tokens)
