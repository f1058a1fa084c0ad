"""Warnings about an article."""

from collections.abc import Sequence

from nutgraf_models.results import Warning, WarningKind
from nutgraf_models.text import language
from nutgraf_models.text.boilerplate import has_prose
from nutgraf_models.text.sentences import Sentence


def article_warnings(
    sentences: Sequence[Sentence], code: str, reader: str, languages: Sequence[str]
) -> tuple[Warning, ...]:
    """Warnings about an unsupported language or a lack of prose.

    `code`: the article's language. `languages`: those that the `reader`, such as "the model", supports; all if empty.
    """
    warnings = []
    if languages and code != language.UNKNOWN and code not in languages:
        detail = f'the article seems to be in "{code}"; {reader} supports {", ".join(languages)}'
        warnings.append(Warning(WarningKind.LANGUAGE_NOT_SUPPORTED, detail))
    if not has_prose(sentences):
        detail = "the text contains no prose: it looks like a table, a list, code, or the text around an article"
        warnings.append(Warning(WarningKind.NO_PROSE, detail))
    return tuple(warnings)
