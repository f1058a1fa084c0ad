"""One article beside its summaries, or one that was checked, as HTML.

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
_WEAKEST = 3  # ranks that the style tells apart

Evidence = dict[str, int]
"""The ids of the segments that support a sentence, in the article's order, and the rank of each, 1 the best."""


def name(number: int, article: Article) -> str:
    """What to call an article."""
    return article.title.strip() or article.id or f"Article {number}"


def story(number: int, answer: ManyResult) -> str:
    """The section of an article.

    Args:
        number: its place on the page, from 1; its ids begin with it.
        answer: the article, and its summaries or why there are none.
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
    """The section of an article and a summary that was checked.

    Args:
        number: as in `story`.
        article: what the summary was checked against.
        result: what the check makes of it.
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
    # An empty lang says "not known", where none would say that it is the page's.
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
                # On paper, where nothing lights up, numbers say which sentence a passage belongs to.
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
    alike = len(set(checks)) == 1  # then they are said once, for all
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
    own = ["the article’s own sentence"] if sentence.from_article else []
    if sentence.support is None:
        return f'<p class="support" id="support-{identifier}">{", ".join(["Not checked", passages, *own])}</p>'
    share = min(max(sentence.support, 0.0), 1.0)
    # The bar says again what the words say. (A meter looks different in every browser, and the policy allows no style.)
    bar = (
        '<svg class="bar" aria-hidden="true"><rect width="100%" height="100%"></rect>'
        f'<rect width="{share:.0%}" height="100%"></rect></svg>'
    )
    notes = [f"Support {share:.0%}", passages]
    if sentence.verdict is Verdict.DOUBTED:
        notes.append("<strong>doubted</strong>")
    return f'<p class="support" id="support-{identifier}">{bar} {", ".join([*notes, *own])}</p>'


def _rest(text: str, start: int, end: int, terms: Sequence[tuple[int, int]], lang: str) -> str:
    """What a summary has between its sentences: nothing, from a server that keeps the contract."""
    return f'<p class="sentence" {lang}>{_marked(text, start, end, terms)}</p>' if text[start:end].strip() else ""


def _marked(text: str, start: int, end: int, terms: Sequence[tuple[int, int]]) -> str:
    """A stretch of a summary with its unsupported terms marked, for those who cannot see the mark, too."""
    return "".join(
        f'<mark>{escape(text[one.start : one.end])}<span class="unseen"> (not in the article)</span></mark>'
        if one.spans
        else escape(text[one.start : one.end])
        for one in segments(start, end, terms)
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
