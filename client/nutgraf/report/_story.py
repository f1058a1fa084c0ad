"""The HTML of one article beside its summaries, or beside a checked summary.

A sentence of a summary is a link to its best passage, so that it works for keyboards, screen readers and without the
script; `data-evidence` names all of its segments of the article, each with its rank: "p1-2:1 p1-5:2", 1 the best.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from nutgraf._enums import CheckKind, FinishReason, TermKind, Verdict
from nutgraf._requests import Article
from nutgraf._results import CheckResult, ManyResult, Result, Sentence, Summary, UnsupportedTerm, Warning
from nutgraf.report._segments import is_wrapped, paragraphs, printable, segments

_CHECKS = {
    CheckKind.EVIDENCE: "evidence",
    CheckKind.NUMBERS: "numbers",
    CheckKind.NAMES: "names",
    CheckKind.QUOTATIONS: "quotations",
    CheckKind.STATEMENTS: "statements",
}
_WEAKEST = 3  # lowest rank with a style of its own

Evidence = dict[str, int]
"""The segments that support a sentence: their ids in the order of the article, and their ranks (1 is the best)."""


def name(number: int, article: Article) -> str:
    """The display name of an article."""
    return article.title.strip() or article.id or f"Article {number}"


def story(number: int, answer: ManyResult) -> str:
    """The section of an article.

    Args:
        number: position on the page, from 1; also the prefix of element ids.
        answer: the article, with its summaries or its error.
    """
    result = answer.result
    lang = _lang(result.article.language if result is not None else "")
    sentences = [sentence for summary in result.summaries for sentence in summary.sentences] if result else []
    body, evidence = _article(number, answer.article.text, sentences)
    if result is not None:
        aside = _summaries(number, result, evidence, lang)
    else:
        aside = f'<ul class="notes">{_warning(f"no summary: {answer.error}")}</ul>'
    return _section(number, answer.article, aside, body, lang)


def checked_story(number: int, article: Article, result: CheckResult) -> str:
    """The section of an article and a checked summary.

    Args:
        number: as in `story`.
        article: the article that the summary was checked against.
        result: of the check.
    """
    lang = _lang(result.article.language)
    body, evidence = _article(number, article.text, result.sentences)
    sentences = "\n".join(filter(None, _sentences(number, 0, result.summary, result, evidence, lang)))
    notes = [*(_warning(_words(warning)) for warning in result.warnings), *_term_notes(result.unsupported_terms)]
    aside = f"""\
<section class="summary">
<h3>Checked summary</h3>
{sentences}
{_notes(notes)}
</section>
<p class="made-by">Doubted below a support of {result.support_threshold:.0%}. {_checks(result)}</p>"""
    return _section(number, article, aside, body, lang)


def _lang(code: str) -> str:
    # An empty lang means "unknown". Without the attribute, the language of the page would apply.
    return f'lang="{escape("" if code == "und" else code)}" dir="auto"'


def _section(number: int, article: Article, aside: str, body: str, lang: str) -> str:
    return f"""\
<section class="story" id="story-{number}" aria-labelledby="title-{number}">
<h2 id="title-{number}" {lang}>{escape(name(number, article))}</h2>
<div class="columns">
<section class="summaries" aria-label="Summaries">
{aside}
</section>
<article {lang} aria-labelledby="title-{number}">
{body}
</article>
</div>
</section>"""


def _article(number: int, text: str, sentences: Sequence[Sentence]) -> tuple[str, list[Evidence]]:
    """The article's paragraphs, and the evidence of each sentence among their segments."""
    owners = [(index, source) for index, sentence in enumerate(sentences) for source in sentence.sources]
    ranks = [min(rank, _WEAKEST) for sentence in sentences for rank, _ in enumerate(sentence.sources, 1)]
    spans = [(source.start, source.end) for _, source in owners]
    evidence: list[Evidence] = [{} for _ in sentences]
    begun: set[int] = set()
    written = 0
    text = printable(text)
    html = []
    for start, end in paragraphs(text):
        pieces = []
        for segment in segments(start, end, spans):
            piece = escape(text[segment.start : segment.end])
            if segment.spans:
                written += 1
                identifier = f"p{number}-{written}"
                for span in segment.spans:
                    found = evidence[owners[span][0]]
                    found[identifier] = min(ranks[span], found.get(identifier, _WEAKEST))
                # In print, where nothing is highlighted, numbers tell which sentences a passage supports.
                starting = sorted({owners[span][0] + 1 for span in segment.spans if span not in begun})
                begun.update(segment.spans)
                numbers = f' data-numbers="{" ".join(map(str, starting))}"' if starting else ""
                piece = f'<span id="{identifier}"{numbers}>{piece}</span>'
            pieces.append(piece)
        kind = ' class="wrapped"' if is_wrapped(text[start:end]) else ""
        html.append(f'<p dir="auto"{kind}>{"".join(pieces)}</p>')
    return "\n".join(html), evidence


def _summaries(number: int, result: Result, evidence: Sequence[Evidence], lang: str) -> str:
    html = [_notes(_warning(_words(warning)) for warning in result.warnings)]
    checks = [_checks(summary) for summary in result.summaries]
    alike = len(set(checks)) == 1  # if so, they are shown once
    first = 0
    for summary, checked in zip(result.summaries, checks, strict=True):
        until = first + len(summary.sentences)
        html.append(_summary(number, summary, first, evidence[first:until], lang, "" if alike else checked))
        first = until
    model = f"Written by {escape(result.model)}. " if result.model else ""
    html.append(f'<p class="made-by">{model}{checks[0] if alike else ""}</p>')
    return "\n".join(filter(None, html))


def _summary(number: int, summary: Summary, first: int, evidence: Sequence[Evidence], lang: str, checked: str) -> str:
    html = list(_sentences(number, first, summary.text, summary, evidence, lang))
    html.append(_notes(_summary_notes(summary)))
    html.append(f'<p class="checks">{checked}</p>' if checked else "")
    heading = str(summary.length).capitalize()
    return f'<section class="summary">\n<h3>{heading} summary</h3>\n' + "\n".join(filter(None, html)) + "\n</section>"


def _sentences(
    number: int, first: int, text: str, summary: Summary | CheckResult, evidence: Sequence[Evidence], lang: str
) -> Iterator[str]:
    text = printable(text)
    terms = [(term.start, term.end) for term in summary.unsupported_terms]
    aligned = CheckKind.EVIDENCE in summary.checks_run
    position = 0
    for index, (sentence, found) in enumerate(zip(summary.sentences, evidence, strict=True), first + 1):
        start, end = max(sentence.start, position), min(sentence.end, len(text))
        if start >= end:
            continue
        yield _rest(text, position, start, terms, lang)
        yield _sentence(f"{number}-{index}", index, _marked(text, start, end, terms), sentence, found, lang)
        yield _support(f"{number}-{index}", sentence, found, aligned)
        position = end
    yield _rest(text, position, len(text), terms, lang)


def _sentence(identifier: str, index: int, html: str, sentence: Sentence, found: Evidence, lang: str) -> str:
    if found:
        best = min(found, key=found.__getitem__)
        names = " ".join(f"{segment}:{rank}" for segment, rank in found.items())
        html = (
            f'<a id="s{identifier}" href="#{best}" data-evidence="{names}" aria-describedby="support-{identifier}">'
            f"{html}</a>"
        )
    doubted = " data-doubted" if sentence.verdict is Verdict.DOUBTED else ""
    return f'<p class="sentence" data-number="{index}"{doubted} {lang}>{html}</p>'


def _support(identifier: str, sentence: Sentence, found: Evidence, aligned: bool) -> str:
    if sentence.verdict is Verdict.NO_CLAIM:
        return f'<p class="support" id="support-{identifier}">Claims nothing: not checked</p>'
    if not aligned and not found:
        return f'<p class="support" id="support-{identifier}">Evidence was not looked for</p>'
    count = len(sentence.sources) if found else 0
    passages = {0: "no passage", 1: "1 passage"}.get(count, f"{count} passages")
    origin = ["the article’s own sentence"] if sentence.from_article else []
    if sentence.support is None:
        return f'<p class="support" id="support-{identifier}">{", ".join(["Not checked", passages, *origin])}</p>'
    share = min(max(sentence.support, 0.0), 1.0)
    # The bar repeats the number. (A meter looks different in each browser, and the policy forbids inline styles.)
    bar = (
        '<svg class="bar" aria-hidden="true"><rect width="100%" height="100%"></rect>'
        f'<rect width="{share:.0%}" height="100%"></rect></svg>'
    )
    notes = [f"Support {share:.0%}", passages]
    if sentence.verdict is Verdict.DOUBTED:
        notes.append("<strong>doubted</strong>")
    return f'<p class="support" id="support-{identifier}">{bar} {", ".join([*notes, *origin])}</p>'


def _rest(text: str, start: int, end: int, terms: Sequence[tuple[int, int]], lang: str) -> str:
    """Text of a summary between its sentences; nothing if the server follows the contract."""
    return f'<p class="sentence" {lang}>{_marked(text, start, end, terms)}</p>' if text[start:end].strip() else ""


def _marked(text: str, start: int, end: int, terms: Sequence[tuple[int, int]]) -> str:
    """A range of a summary with its unsupported terms marked, also for screen readers."""
    return "".join(
        f'<mark>{escape(text[segment.start : segment.end])}<span class="unseen"> (not in the article)</span></mark>'
        if segment.spans
        else escape(text[segment.start : segment.end])
        for segment in segments(start, end, terms)
    )


def _summary_notes(summary: Summary) -> Iterable[str]:
    for warning in summary.warnings:
        yield _warning(_words(warning))
    yield from _term_notes(summary.unsupported_terms)
    if summary.finish_reason is FinishReason.EXTRACTIVE:
        yield "<li>Made of the article’s own sentences.</li>"


def _term_notes(terms: Iterable[UnsupportedTerm]) -> Iterable[str]:
    distinct = {(term.text, term.kind): term for term in terms}
    if distinct:
        yield f"<li><b>Not in the article:</b> {', '.join(map(_term, distinct.values()))}</li>"


def _term(term: UnsupportedTerm) -> str:
    kind = "term" if term.kind is TermKind.UNKNOWN else term.kind
    return f"<mark><bdi>{escape(term.text)}</bdi></mark> ({kind})"


def _checks(summary: Summary | CheckResult) -> str:
    ran = [words for check, words in _CHECKS.items() if check in summary.checks_run]
    left_out = [words for check, words in _CHECKS.items() if check not in summary.checks_run]
    said = f"Checked: {', '.join(ran)}." if ran else "Nothing was checked."
    return f"{said} Not checked: {', '.join(left_out)}." if ran and left_out else said


def _words(warning: Warning) -> str:
    return warning.detail or warning.code.replace("_", " ")


def _warning(words: str) -> str:
    return f"<li><b>Warning:</b> <bdi>{escape(words)}</bdi></li>"


def _notes(items: Iterable[str]) -> str:
    html = "".join(items)
    return f'<ul class="notes">{html}</ul>' if html else ""
