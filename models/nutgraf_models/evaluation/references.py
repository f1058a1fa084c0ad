"""Data sets of articles with reference summaries: JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length

_REFERENCES = ("reference", "short", "long")
_REJECTED = ("short_rejected", "long_rejected")


@dataclass(frozen=True)
class ReferenceRow:
    """An article with its reference summaries; `id` defaults to the line number.

    Data sets without lengths have one `reference`; others have a `short`, a `long`, or both. `short_rejected` and
    `long_rejected` are worse summaries from a model, for preference training.
    """

    id: str
    article: str
    reference: str = ""
    headline: str = ""
    source: str = ""
    short: str = ""
    long: str = ""
    short_rejected: str = ""
    long_rejected: str = ""

    def of(self, length: Length) -> str:
        """The reference for a length; empty if there is none."""
        return (self.short if length is Length.SHORT else self.long) or self.reference


def read_references(file: Path) -> list[ReferenceRow]:
    """Reads JSON objects with "article", with "reference" or "short" and "long", and optional other fields.

    Raises:
        ModelError: a line has another format, or the file has no rows.
    """
    rows = list(_read(file))
    if not rows:
        raise ModelError(f"{file.name} has no articles")
    return rows


def _read(file: Path) -> Iterator[ReferenceRow]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            texts = {name: row[name] for name in ("article", *_REFERENCES, *_REJECTED) if name in row}
            if not all(isinstance(text, str) for text in texts.values()):
                raise TypeError("they must be strings")
            if "article" not in texts or not any(texts.get(name) for name in _REFERENCES):
                raise KeyError("missing")
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f'line {number} of {file.name} is not a JSON object with "article" and "reference" (or "short" and '
                f'"long"): {error}'
            ) from error
        optional = {name: str(row.get(name) or "") for name in ("headline", "source")}
        yield ReferenceRow(str(row.get("id") or number), **texts, **optional)
