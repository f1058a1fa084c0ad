"""What is odd about an article, in words for its sender."""

from collections.abc import Sequence

from nutgraf_models.results import Warning, WarningKind
from nutgraf_models.text import language
from nutgraf_models.text.boilerplate import has_prose
from nutgraf_models.text.sentences import Sentence


def article_warnings(
    sentences: Sequence[Sentence], code: str, reader: str, known: Sequence[str]
) -> tuple[Warning, ...]:
    """What is odd about an article in the language `code`, for a `reader` that knows the languages `known`, or any."""
    warnings = []
    if known and code != language.UNKNOWN and code not in known:
        detail = f'the article seems to be in "{code}"; {reader} knows {", ".join(known)}'
        warnings.append(Warning(WarningKind.LANGUAGE_NOT_SUPPORTED, detail))
    if not has_prose(sentences):
        detail = "the text has no sentence: it looks like a table, a list, code, or what surrounds an article"
        warnings.append(Warning(WarningKind.NO_PROSE, detail))
    return tuple(warnings)
