"""Finds the card of a checkpoint.

A card is a TOML file in `nutgraf_models/checkpoints/cards/`; to support a checkpoint by name, add its card there. A
local folder in the hub's format needs no card file: `card_for_folder` makes its card from its configuration.
"""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.folder_card import card_for_folder, decoding_presets
from nutgraf_models.errors import ModelError

DEFAULT_MODEL = "smollm2-135m-nutgraf"


def packaged_cards() -> list[Card]:
    """The cards in this package, sorted by id."""
    folder = resources.files("nutgraf_models.checkpoints") / "cards"
    cards = [load_card(entry) for entry in folder.iterdir() if entry.name.endswith(".toml")]
    return sorted(cards, key=lambda card: card.id)


def known_cards() -> list[str]:
    """The ids of the cards in this package."""
    return [card.id for card in packaged_cards()]


def find_card(model: str) -> Card:
    """The card for a value of `--model`: a card's id, a card file, a local folder, or a hub id such as `org/name`.

    Raises:
        ModelError: no model has this name, or a file is unreadable or invalid.
    """
    packaged = packaged_cards()
    for card in packaged:
        if model in (card.id, f"{card.id}.toml"):
            return card
    path = Path(model).expanduser()
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise ModelError(f"cannot look for the model {model}: {error.strerror}") from error
    if is_folder:
        return card_for_folder(path)
    if path.suffix == ".toml" and is_file:
        return load_card(path)
    repository, _, revision = model.partition("@")
    if repository.count("/") == 1 and not repository.startswith((".", "/", "~")):
        return _hub_card(repository, revision)
    known = ", ".join(card.id for card in packaged)
    raise ModelError(f"no model {model!r}: it is neither a card ({known}), nor a folder, nor a hub id (org/name)")


def load_card(file: Any) -> Card:
    """Reads a card file (a `Path` or a package resource)."""
    try:
        card = Card.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
        beside = Path(str(file)).resolve().parent
        adapters = {"adapter": card.adapter, "ranker": card.ranker}
        return card.model_copy(
            update={
                name: adapter.model_copy(update={"folder": beside / adapter.folder})
                for name, adapter in adapters.items()
                if adapter is not None
            }
        )
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, part['loc'])) or 'card'}: {part['msg']}" for part in error.errors())
        raise ModelError(f"the card {file.name} is not valid: {problems}") from error
    except OSError as error:
        raise ModelError(f"cannot read the card {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"the card {file.name} is not valid: {error}") from error


def _hub_card(repository: str, revision: str) -> Card:
    """A provisional card for a hub repository; its files determine the final card after the pull."""
    return Card(
        id=repository,
        description=f"{repository}, from the hub",
        family="seq2seq",
        source=f"hf:{repository}@{revision}" if revision else f"hf:{repository}",
        decoding=decoding_presets({}),
        provisional=True,
    )
