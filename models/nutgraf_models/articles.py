"""An article on its way through the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from nutgraf_models import language
from nutgraf_models.checking import ArticleCheck
from nutgraf_models.lengths import Spec
from nutgraf_models.mapped import MappedText
from nutgraf_models.prose import has_prose
from nutgraf_models.results import Warning, WarningKind
from nutgraf_models.sentences import Sentence


@dataclass(frozen=True)
class Article:
    """An article as it was sent. The title counts as article when terms are looked up, and is never evidence."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Prepared:
    """An article before a model has seen it. `rows` are the places of the specs that need one.

    `chunks` are what the model reads one at a time, all of the article together; `tokens` are the whole article's.
    `decisive` are places of late sentences of a long article that its summary must not lack.
    """

    article: Article
    specs: tuple[Spec, ...]
    show_doubted: bool
    normalized: MappedText
    sentences: list[Sentence] = field(repr=False)
    words: int
    language: str
    tokens: int
    chunks: list[str] = field(repr=False)
    decisive: list[int]
    has_story: bool
    rows: tuple[int, ...]
    check: ArticleCheck = field(repr=False)
    seconds: float


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
