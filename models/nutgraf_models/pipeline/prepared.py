"""An article on its way through the pipeline."""

from dataclasses import dataclass, field

from nutgraf_models.article import Article
from nutgraf_models.checks.article_check import ArticleCheck
from nutgraf_models.lengths import Spec
from nutgraf_models.text.mapped_text import MappedText
from nutgraf_models.text.sentences import Sentence


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
