"""The commands `nutgraf models` and `nutgraf eval`."""

import json
import os
import sys
from pathlib import Path
from types import TracebackType

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card, packaged_cards
from nutgraf_models.errors import ModelError
from nutgraf_models.loading import EngineName


class _Bar:
    """A progress bar on standard error, if that is a terminal."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, task: str, done: int, total: int | None) -> None:
        if task not in self._tasks:
            self._tasks[task] = self._progress.add_task(task, total=total)
        self._progress.update(self._tasks[task], completed=done, total=total)


@click.group()
def models() -> None:
    """List, show and fetch models."""


@models.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(as_json: bool) -> None:
    """List the packaged models."""
    cards = packaged_cards()
    if as_json:
        rows = [
            {"id": card.id, "family": card.family, "licence": card.licence, "pulled": store.is_pulled(card)}
            for card in cards
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "family", "licence", "pulled", "description"):
        table.add_column(heading, no_wrap=heading != "description", overflow="fold")
    for card in cards:
        name = f"{card.id} (default)" if card.id == DEFAULT_MODEL else card.id
        table.add_row(name, card.family, card.licence, "yes" if store.is_pulled(card) else "no", card.description)
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@models.command()
@click.argument("model", default=DEFAULT_MODEL)
def show(model: str) -> None:
    """Show a model's card as JSON. MODEL is a card id, a card file, a folder or a hub id."""
    try:
        card = find_card(model)
        click.echo(card.model_dump_json(indent=2))
        if card.family != "lead" and store.is_pulled(card):
            click.echo(f"pulled to {store.locate(card)}", err=True)
            _print_revision(card)
    except ModelError as error:
        raise click.ClickException(str(error)) from error


@models.command()
@click.argument("model", default=DEFAULT_MODEL)
@click.option("--force", is_flag=True, help="Fetch the model again even if it is in the cache.")
def pull(model: str, force: bool) -> None:
    """Fetch a model, verify it and store it in the cache. MODEL is a card id, a card file or a hub id."""
    if not sys.stderr.isatty():
        # tqdm, which transformers imports, reads this on import.
        os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        card = find_card(model)
        if card.family == "lead":
            click.echo(f"{card.id} needs no files", err=True)
            return
        with _Bar() as bar:
            folder = store.pull(card, bar, force=force)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{card.id} is in {folder}", err=True)
    _print_revision(card)


@models.command()
@click.argument("model", default=DEFAULT_MODEL)
def verify(model: str) -> None:
    """Verify the files of a pulled model by sha256. MODEL is a card id, a card file or a hub id."""
    try:
        card = find_card(model)
        if card.family == "lead":
            click.echo(f"{card.id} needs no files", err=True)
            return
        folder = store.verify(card)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{card.id} in {folder} is intact", err=True)


def _print_revision(card: Card) -> None:
    """Prints the commit of a pulled hub repository and the sha256 of its weights, so that others can pin the same."""
    pulled = store.pulled(card)
    if pulled is None or pulled["revision"] is None:
        return
    click.echo(f"revision {pulled['revision']}", err=True)
    for name, digest in pulled["digests"].items():
        click.echo(f"sha256 {digest}  {name}", err=True)
    source = card.source.removeprefix("hf:")
    if not source.endswith(pulled["revision"]):
        click.echo(f"to pin this revision, use {source.partition('@')[0]}@{pulled['revision']}", err=True)


@click.command("eval")
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--length", type=click.Choice(["short", "long"]), required=True, help="The length of the summaries.")
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A card id, a card file, a folder or a hub id.")
@click.option("--limit", type=click.IntRange(min=1), help="Use only the first N articles.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; by default, all that the process may use.")
@click.option("--engine", type=click.Choice(["auto", "openvino", "torch"]), default="auto", show_default=True)
@click.option("--beams", type=click.IntRange(1, 16), help="Number of beams; by default, the card's.")
@click.option("--show-doubted", is_flag=True, help="Score the model's output without replacing doubted sentences.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option(
    "--csv",
    "rows_to",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write all texts and scores to this CSV file.",
)
def evaluate(
    data: Path,
    length: str,
    model: str,
    limit: int | None,
    threads: int | None,
    engine: EngineName,
    beams: int | None,
    show_doubted: bool,
    as_json: bool,
    rows_to: Path | None,
) -> None:
    """Score a model on DATA, compared with the lead baseline and the references.

    DATA is JSON lines, each with an "article" and a "reference", or a "short" and a "long" reference; an "id" is
    optional.
    """
    from nutgraf_models.evaluation.evaluate import evaluate as run_evaluation
    from nutgraf_models.evaluation.evaluate import table

    try:
        report = run_evaluation(
            data,
            length,
            model,
            limit=limit,
            engine=engine,
            threads=threads,
            beams=beams,
            rows_to=rows_to,
            show_doubted=show_doubted,
        )
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(report, indent=2) if as_json else table(report))
