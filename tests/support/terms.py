"""Unsupported terms of a summary, as text."""

from nutgraf_models.checks.terms import TermIndex


def unsupported(summary: str, article: str, title: str = "") -> list[str]:
    return [summary[term.span.start : term.span.end] for term in TermIndex(article, title).unsupported(summary)]
