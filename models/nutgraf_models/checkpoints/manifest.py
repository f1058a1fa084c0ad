"""The manifest of a pulled folder, `nutgraf.json`, written by the pull.

It has the card's `id`, `source` and `sha256`, the hub's `revision` (null for other sources), and the size in bytes
(`files`) and the SHA-256 (`digests`) of each file. Folders from earlier versions have no digests.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.errors import ModelError

NAME = "nutgraf.json"


def write(folder: Path, card: Card, revision: str | None) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {
        "id": card.id,
        "source": card.source,
        "sha256": card.sha256,
        "revision": revision,
        "files": {str(file.relative_to(folder)): file.stat().st_size for file in files},
        "digests": {str(file.relative_to(folder)): file_digest(file) for file in files},
    }
    (folder / NAME).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Raises:
    ModelError: the manifest is missing or damaged.
    """
    try:
        manifest: dict[str, Any] = dict(json.loads((folder / NAME).read_text(encoding="utf-8")))
        manifest["files"] = dict(manifest["files"])
        manifest["digests"] = dict(manifest.get("digests") or {})
        manifest.setdefault("revision", None)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{NAME} is missing or unreadable") from error
    return manifest


def damage(folder: Path) -> str | None:
    """Describes the damage to a pulled folder; None if it is whole.

    Checks only sizes: reading all files at each start would take longer than loading the model.
    """
    try:
        files = read(folder)["files"]
    except ModelError as error:
        return str(error)
    for name, size in files.items():
        file = folder / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size:
            return f"{name} has {file.stat().st_size} bytes instead of {size}"
    return None


def changed(folder: Path) -> list[str]:
    """The files that have changed since the pull, by their SHA-256. Reads all files.

    Raises:
        ModelError: the manifest has no digests.
    """
    manifest = read(folder)
    unknown = sorted(set(manifest["files"]) - set(manifest["digests"]))
    if unknown:
        raise ModelError(f"{NAME} has no SHA-256 of {', '.join(unknown)}")
    return [name for name, digest in manifest["digests"].items() if file_digest(folder / name) != digest]


def file_digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
