"""Cards for local folders in the hub's format, made from their configuration files."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nutgraf_models.checkpoints.card import Card, Decoding, DecodingPresets, Prompt
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch


def card_for_folder(folder: Path, *, id: str | None = None) -> Card:
    """A card made from the configuration files of a folder in the hub's format.

    Raises:
        ModelError: the folder is not in that format.
    """
    config = read_json(folder / "config.json")
    if config is None:
        raise ModelError(f"{folder.name} is not a model folder: it has no config.json")
    generation = {**config, **(read_json(folder / "generation_config.json") or {})}
    try:
        return _folder_card(folder, id or folder.resolve().name, config, generation)
    except (ValidationError, TypeError, AttributeError) as error:
        raise ModelError(
            f"config.json or generation_config.json of {folder.name} has a value of the wrong type"
        ) from error


def _folder_card(folder: Path, name: str, config: dict[str, Any], generation: dict[str, Any]) -> Card:
    task = (config.get("task_specific_params") or {}).get("summarization", {})
    description = f"the folder {folder.name}"
    source = f"path:{folder.resolve()}"
    if config.get("is_encoder_decoder"):
        window = config.get("max_position_embeddings") or config.get("n_positions") or 512
        return Card(
            id=name,
            description=description,
            family="seq2seq",
            source=source,
            context_window=window,
            prompt=Prompt(before=task.get("prefix") or generation.get("prefix") or _usual_prefix(config)),
            decoding=decoding_presets({**generation, **task}),
        )
    return Card(
        id=name,
        description=description,
        family="causal",
        source=source,
        context_window=config.get("max_position_embeddings") or 2048,
        prompt=_chat_prompt(folder),
        decoding=DecodingPresets(short=_CAUSAL_SHORT, long=_CAUSAL_LONG),
    )


_CAUSAL_SHORT = Decoding(max_new_tokens=80, no_repeat_ngram_size=4)
_CAUSAL_LONG = Decoding(max_new_tokens=200, no_repeat_ngram_size=4)
_INSTRUCTION = {
    Length.SHORT: "Summarize the article in one sentence.",
    Length.LONG: "Summarize the article in three sentences.",
}
_PLACEHOLDER = "{{article}}"


def _usual_prefix(config: dict[str, Any]) -> str:
    return "summarize: " if config.get("model_type") in ("t5", "mt5", "umt5", "longt5") else ""


def decoding_presets(generation: dict[str, Any]) -> DecodingPresets:
    """The presets for a checkpoint: LONG with its own parameters; SHORT may end after a sentence."""
    max_new = generation.get("max_new_tokens") or generation.get("max_length") or 142
    long = Decoding(
        # 20 is the default of transformers for max_length, too short for a summary.
        max_new_tokens=142 if max_new <= 20 else max_new,
        min_new_tokens=generation.get("min_new_tokens") or generation.get("min_length") or 0,
        num_beams=generation.get("num_beams") or 4,
        length_penalty=1.0 if generation.get("length_penalty") is None else generation["length_penalty"],
        early_stopping=bool(generation.get("early_stopping")),
        no_repeat_ngram_size=generation.get("no_repeat_ngram_size") or 3,
    )
    short = long.model_copy(update={"max_new_tokens": min(long.max_new_tokens, 80), "min_new_tokens": 0})
    return DecodingPresets(short=short, long=long)


def _chat_prompt(folder: Path) -> Prompt:
    """A prompt by the folder's own chat template, with the instruction after the article."""
    if not has_torch():
        raise ModelError(f"reading the chat template of {folder.name} needs transformers: {INSTALL}")
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the Rust code raises plain Exception
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(f"cannot read the tokenizer of {folder.name}: {reason}") from error
    if not tokenizer.chat_template:
        return Prompt(after_short="\n\nIn one sentence:", after_long="\n\nIn three sentences:")
    parts = {}
    for length, instruction in _INSTRUCTION.items():
        message = {"role": "user", "content": f"{_PLACEHOLDER}\n\n{instruction}"}
        rendered = tokenizer.apply_chat_template([message], tokenize=False, add_generation_prompt=True)
        parts[length] = str(rendered).split(_PLACEHOLDER, 1)
    return Prompt(before=parts[Length.SHORT][0], after_short=parts[Length.SHORT][1], after_long=parts[Length.LONG][1])


def read_json(path: Path) -> dict[str, Any] | None:
    """The JSON object in a model's file; None if the file does not exist.

    Raises:
        ModelError: the file cannot be read, or its JSON value is not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path.name} of {path.parent.name}: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path.name} of {path.parent.name} must contain a JSON object")
    return value
