"""An article on its way through the pipeline."""

from dataclasses import dataclass, field

from nutgraf_models.engines.base import GenerationRequest
from nutgraf_models.lengths import Spec
from nutgraf_models.normalize import NormalizedText
from nutgraf_models.plan import Plan
from nutgraf_models.sentences import Sentence
from nutgraf_models.terms import TermIndex


@dataclass(frozen=True)
class Article:
    """An article as it was sent. The title counts as article when terms are looked up, and is never evidence."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Prepared:
    """An article ready for the engine. `request` has a row for each spec in `rows`; None: no model is needed."""

    article: Article
    specs: tuple[Spec, ...]
    extractive_fallback: bool
    normalized: NormalizedText
    sentences: list[Sentence] = field(repr=False)
    words: int
    language: str
    plan: Plan = field(repr=False)
    rows: tuple[int, ...]
    request: GenerationRequest | None
    terms: TermIndex = field(repr=False)
    seconds: float
