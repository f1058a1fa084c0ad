"""An article on its way through the pipeline."""

from dataclasses import dataclass, field

from nutgraf_models.checking import ArticleCheck
from nutgraf_models.lengths import Spec
from nutgraf_models.mapped import MappedText
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
