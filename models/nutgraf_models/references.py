"""Data sets of articles with reference summaries: JSON lines."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nutgraf_models.errors import ModelError


@dataclass(frozen=True)
class ReferenceRow:
    """An article and the summary that a person wrote of it; `id` is the line's number where the data has none."""

    id: str
    article: str
    reference: str
    headline: str = ""
    source: str = ""


def read_references(file: Path) -> list[ReferenceRow]:
    """Reads objects with "article", "reference", and maybe "id", "headline" and "source"; blank lines are skipped.

    Raises:
        ModelError: a line is something else, or there is none.
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
            article, reference = row["article"], row["reference"]
            if not isinstance(article, str) or not isinstance(reference, str):
                raise TypeError("they must be strings")
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f'line {number} of {file.name} is not a JSON object with "article" and "reference": {error}'
            ) from error
        more = {name: str(row.get(name) or "") for name in ("headline", "source")}
        yield ReferenceRow(str(row.get("id") or number), article, reference, **more)
