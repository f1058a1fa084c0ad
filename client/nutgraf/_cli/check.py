"""`nutgraf check`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nutgraf._cli.connection import connection
from nutgraf._cli.texts import read_text
from nutgraf._enums import Verdict

if TYPE_CHECKING:
    from nutgraf._results import CheckResult, Sentence
    from nutgraf._sync import Client

_MARKS = {Verdict.SUPPORTED: ("✓", "green"), Verdict.DOUBTED: ("✗", "red"), Verdict.NO_CLAIM: ("–", None)}
_INDENT = " " * 8


@click.command()
@click.argument("article", type=click.Path(allow_dash=True))
@click.argument("summary", type=click.Path(allow_dash=True))
@click.option(
    "--title", default="", help="Headline of the article; its names and numbers count as part of the article."
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="SUPPORT",
    help="Minimum support, 0 to 1, of a supported sentence. By default, that of the server.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole response as JSON.")
@click.option(
    "--html",
    "page",
    metavar="OUT",
    type=click.Path(path_type=Path),
    help="Also write an HTML page of the article beside the summary.",
)
@connection(timeout=60.0, timeout_help="Timeout of the call.")
def check(
    client: Client,
    article: str,
    summary: str,
    title: str,
    threshold: float | None,
    as_json: bool,
    page: Path | None,
) -> None:
    """Check the summary in SUMMARY, by any author, against the article in ARTICLE.

    One of the files may be - for standard input. The texts must be UTF-8. Each sentence is printed with its support and
    the most similar passage of the article: ✓ supported, ✗ doubted, – nothing to check.

    The exit status is 0 if no sentence is doubted, else 1. If the call fails, it is also 1, with an error on standard
    error and nothing on standard output.
    """
    from nutgraf import _convert
    from nutgraf._cli.output import new_file, print_json, warn
    from nutgraf._requests import check_request

    if article == summary == "-":
        raise click.UsageError("only one of article and summary can come from standard input")
    for file in (article, summary):
        if page is not None and file != "-" and page.exists() and page.samefile(file):
            raise click.UsageError("the page must not be the file of the article or of the summary")
    text, written = read_text(article, "article"), read_text(summary, "summary")
    request = check_request(text, written, title=title, support_threshold=threshold)
    with new_file(page) if page is not None else nullcontext() as stream:
        response, request_id = client._check(request)
        result = _convert.check_result(response, text, written, request_id)
        if as_json:
            print_json(response)
        else:
            _print(result)
        for warning in result.warnings:
            warn(warning.detail or warning.code)
        if stream is not None:
            from nutgraf.report import render_check

            stream.write(render_check(result, text, title))
    if not result.is_supported:
        click.get_current_context().exit(1)


def _print(result: CheckResult) -> None:
    for sentence in result.sentences:
        mark, colour = _MARKS.get(sentence.verdict, ("?", None))
        support = "" if sentence.verdict is Verdict.NO_CLAIM or sentence.support is None else f"{sentence.support:.0%}"
        click.echo(f"{click.style(mark, fg=colour)} {support:>4}  {_line(sentence.text)}")
        for note in _notes(result, sentence):
            click.echo(_INDENT + click.style(note, dim=True))
    count = sum(sentence.verdict is Verdict.DOUBTED for sentence in result.sentences)
    claims = sum(sentence.verdict is not Verdict.NO_CLAIM for sentence in result.sentences)
    noun = "sentence" if claims == 1 else "sentences"
    click.echo(f"\n{count} of {claims} {noun} doubted; threshold {result.support_threshold:.0%}")


def _notes(result: CheckResult, sentence: Sentence) -> Iterator[str]:
    terms = [term for term in result.unsupported_terms if sentence.start <= term.start < sentence.end]
    if terms:
        yield "not in the article: " + ", ".join(f"“{_line(term.text)}” ({term.kind})" for term in terms)
    if sentence.sources:
        # The passage that is most similar to a doubted sentence need not support it.
        yield f"{'closest' if sentence.verdict is Verdict.DOUBTED else 'from'}: {_line(sentence.sources[0].text)}"
    elif sentence.verdict is not Verdict.NO_CLAIM:
        yield "nothing similar in the article"


def _line(text: str) -> str:
    return " ".join(text.split())
