"""The command `nutgraf train`."""

import json
import logging
import os
import sys
from collections import Counter
from pathlib import Path

import click

from nutgraf_models.checkpoints.registry import DEFAULT_MODEL
from nutgraf_models.errors import ModelError
from nutgraf_models.evaluation.references import read_references
from nutgraf_models.runtime.torch_extra import INSTALL, has_torch
from nutgraf_models.training import pairs as pairs_
from nutgraf_models.training.clean import clean_article

_File = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def train() -> None:
    """Make training pairs and train an adapter."""


@train.command()
@click.argument("data", nargs=-1, required=True, type=_File)
@click.option(
    "--output", "-o", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Output file for the pairs."
)
@click.option("--not-in", type=_File, multiple=True, help="Data whose articles are excluded.")
def pairs(data: tuple[Path, ...], output: Path, not_in: tuple[Path, ...]) -> None:
    """Clean DATA and write the usable training pairs; print the reasons for dropped ones.

    DATA is JSON lines, each with an "article" and a "reference"; a "headline" and an "id" are optional.
    """
    dropped: Counter[str] = Counter()
    try:
        held_out = {pairs_.article_key(clean_article(row.article)) for file in not_in for row in read_references(file)}
        rows = [row for file in data for row in read_references(file)]
        made = list(pairs_.make_pairs(rows, dropped, held_out))
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    pairs_.write_pairs(made, output)
    click.echo(f"{len(rows)} rows, {pairs_.describe(made)}", err=True)
    for reason, number in dropped.most_common():
        click.echo(f"{number:7} {reason}", err=True)


@train.command()
@click.argument("pairs_file", metavar="PAIRS", type=_File)
@click.option("--dev", required=True, type=_File, help="Pairs for choosing the best checkpoint.")
@click.option(
    "--output", "-o", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the run."
)
@click.option("--model", default=DEFAULT_MODEL, show_default=True, help="A card id or a card file.")
@click.option("--rank", type=click.IntRange(1, 256), default=32, show_default=True, help="Rank of the adapter.")
@click.option("--epochs", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=4e-4, show_default=True)
@click.option(
    "--from",
    "start",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Start from this adapter, with its rank.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Use only N pairs, drawn at random.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads; by default, one per core.")
@click.option(
    "--round-inputs",
    metavar="GROUP",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Train for an engine that rounds the inputs of linear layers to 8 bits in groups of this size; 0 is none.",
)
@click.option(
    "--opening-weight",
    metavar="W",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Weight of an answer's first tokens in the loss: they decide what the answer is about.",
)
@click.option("--seed", type=int, default=7, show_default=True)
def run(
    pairs_file: Path,
    dev: Path,
    output: Path,
    model: str,
    rank: int,
    epochs: float,
    learning_rate: float,
    start: Path | None,
    limit: int | None,
    threads: int | None,
    round_inputs: int,
    opening_weight: float,
    seed: int,
) -> None:
    """Train an adapter on PAIRS from `nutgraf train pairs`. An interrupted run resumes.

    The results are OUTPUT/adapter and OUTPUT/card.toml; evaluate them with `nutgraf eval --model OUTPUT/card.toml`.
    """
    if not sys.stderr.isatty():
        # tqdm, which transformers imports, reads this on import.
        os.environ.setdefault("TQDM_DISABLE", "1")
    if not has_torch():
        raise click.ClickException(f"training needs torch and transformers: {INSTALL}")
    from nutgraf_models.training.run import train_adapter
    from nutgraf_models.training.trainer import Recipe

    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    recipe = Recipe(
        rank=rank,
        alpha=2 * rank,
        epochs=epochs,
        learning_rate=learning_rate,
        round_inputs=round_inputs,
        opening_weight=opening_weight,
        seed=seed,
    )
    try:
        report = train_adapter(pairs_file, dev, output, model, recipe, start=start, limit=limit, threads=threads)
    except ModelError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(report, indent=2))
