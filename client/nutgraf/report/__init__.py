"""Reports of summaries as self-contained HTML pages.

    from nutgraf.report import render

    result = client.summarize(text, title=title)
    Path("summary.html").write_text(render(result, text, title), encoding="utf-8")

`render_check` does the same for the result of `client.check`. The page shows each article beside its summaries.
Pointing at a sentence of a summary, tabbing to it or tapping it highlights the passages that support it. The page loads
no external resources, and its Content-Security-Policy forbids it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from importlib import resources

from nutgraf._requests import Article
from nutgraf._results import CheckResult, ManyResult, Result
from nutgraf.report._segments import printable
from nutgraf.report._story import checked_story, name, story

__all__ = ["render", "render_check", "render_many"]

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header class="masthead">
<h1>nutgraf</h1>
<p class="hint">Point at a sentence of a summary, tab to it or tap it, and the passages that support it light up in the
article, the best one strongest. Enter goes there, Escape comes back.</p>
</header>
{contents}<main>
{stories}
</main>
<footer>
<p>Support is the estimated probability that the article says what the sentence says. A sentence with little support,
or with a name, number or quotation that the article lacks, is doubted.</p>
</footer>
<script>{script}</script>
</body>
</html>
"""


def render(result: Result, text: str, title: str = "") -> str:
    """Renders the page of one article.

    Args:
        result: the summaries.
        text: the article as sent; positions in `result` refer to it.
        title: the headline.

    Returns:
        The HTML, to be encoded as UTF-8. All arguments are escaped.
    """
    return render_many([ManyResult(0, Article(text, title), result, None)])


def render_check(result: CheckResult, text: str, title: str = "") -> str:
    """Renders the page of one article beside a summary that was checked against it, with doubted sentences marked.

    Args:
        result: of `client.check`.
        text: the article as sent.
        title: the headline.

    Returns:
        As `render`.
    """
    article = Article(text, title)
    return _page(name(1, article), checked_story(1, article, result))


def render_many(answers: Iterable[ManyResult]) -> str:
    """Renders the page of several articles, in the given order. Articles that failed are shown with their error.

    Args:
        answers: of `summarize_many`.

    Returns:
        As `render`.
    """
    answers = list(answers)
    title = name(1, answers[0].article) if len(answers) == 1 else f"{len(answers)} articles, summarised"
    stories = "\n".join(story(number, answer) for number, answer in enumerate(answers, 1))
    return _page(title, stories, _contents(answers) if len(answers) > 1 else "")


def _page(title: str, stories: str, contents: str = "") -> str:
    style, script = _packaged("page.css"), _packaged("page.js")
    # Hashes, so that no script runs even if escaping has a bug.
    policy = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; base-uri 'none'; "
        "form-action 'none'"
    )
    page = _PAGE.format(
        policy=policy,
        title=escape(title),
        style=style,
        contents=contents,
        stories=stories,
        script=script,
    )
    return printable(page)  # covers titles and error details, too


def _contents(answers: list[ManyResult]) -> str:
    items = "\n".join(
        f'<li><a href="#story-{number}" dir="auto">{escape(name(number, answer.article))}</a></li>'
        for number, answer in enumerate(answers, 1)
    )
    return f'<nav aria-label="Articles">\n<ol>\n{items}\n</ol>\n</nav>\n'


def _packaged(file: str) -> str:
    return resources.files(__name__).joinpath(file).read_text(encoding="utf-8")


def _source(inline: str) -> str:
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    return f"'sha256-{digest}'"
