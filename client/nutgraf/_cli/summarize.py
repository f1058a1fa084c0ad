"""`nutgraf summarize`."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nutgraf._cli.connection import connection
from nutgraf._cli.lengths import lengths_option
from nutgraf._cli.texts import read_text

if TYPE_CHECKING:
    from nutgraf._results import Result
    from nutgraf._sync import Client


@click.command()
@click.argument("file", default="-", type=click.Path(allow_dash=True))
@lengths_option()
@click.option(
    "--title", default="", help="Headline of the article: shows its main point; names and numbers in it count, too."
)
@click.option("--max-words", type=click.IntRange(min=1), metavar="N", help="Maximum number of words per summary.")
@click.option(
    "--show-doubted",
    is_flag=True,
    help="Show sentences that the check doubts, too, with a warning.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole response as JSON.")
@click.option(
    "--html",
    "page",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Also write an HTML page of the article beside its summaries.",
)
@connection(timeout=60.0, timeout_help="Timeout of the call.")
def summarize(
    client: Client,
    file: str,
    lengths: list[str],
    title: str,
    max_words: int | None,
    show_doubted: bool,
    as_json: bool,
    page: Path | None,
) -> None:
    """Summarise the article in FILE, or from standard input if FILE is - or omitted. The text must be UTF-8."""
    from nutgraf import _convert
    from nutgraf._cli.output import new_file, print_json, warn_of
    from nutgraf._requests import Spec, summarize_request

    if page is not None and file != "-" and page.exists() and page.samefile(file):
        raise click.UsageError("the page must not be the file of the article")
    text = read_text(file, "article")
    try:
        request = summarize_request(
            text,
            title=title,
            summaries=[Spec(length, max_words=max_words) for length in lengths],
            show_doubted=show_doubted,
        )
    except ValueError as error:  # --max-words beyond 32 bits
        raise click.UsageError(str(error)) from None
    with new_file(page) if page is not None else nullcontext() as stream:
        response, request_id = client._summarize(request)
        result = _convert.result(response, text, request_id)
        if as_json:
            print_json(response)
        else:
            _print(result)
        warn_of(result)
        if stream is not None:
            from nutgraf.report import render

            stream.write(render(result, text, title))


def _print(result: Result) -> None:
    if not sys.stdout.isatty():
        click.echo("\n\n".join(summary.text for summary in result.summaries))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for summary in result.summaries:
        console.print(Text(str(summary.length).capitalize(), style="bold"))
        console.print(Text(summary.text), end="\n\n")
    console.print(Text(f"{result.model}, {result.timings.total_seconds:.1f} s", style="dim"))
