"""An article on its way through the pipeline."""

from dataclasses import dataclass, field
from functools import cached_property

from nutgraf_models.article import Article
from nutgraf_models.checks.article_check import ArticleCheck
from nutgraf_models.extracts.full_names import FullNames
from nutgraf_models.extracts.main_point import MAX_SENTENCES, is_certain, main_point_scores
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.text.language import UNKNOWN
from nutgraf_models.text.mapped_text import MappedText
from nutgraf_models.text.sentences import Sentence


@dataclass(frozen=True)
class Prepared:
    """A cleaned, split and planned article, before generation.

    `chunks`: consecutive parts of the article, each read by the model on its own. `tokens` counts the whole article.
    `decisive`: indexes into `sentences` of late sentences that the summary of a long article must include.
    `generated`: indexes into `specs` of the summaries that the model writes; the others are extractive.
    `seconds`: time spent on preparation. `ranked`: an engine's scores of the first sentences; see `Completion`.
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
    generated: tuple[int, ...]
    article_check: ArticleCheck = field(repr=False)
    seconds: float
    ranked: tuple[float, ...] = ()

    @cached_property
    def main_points(self) -> list[float]:
        """For each of `sentences`, its log odds of being the main point, up to a constant; by words alone."""
        return main_point_scores([sentence.text for sentence in self.sentences], self.article.title)

    @cached_property
    def ranked_main_points(self) -> list[float]:
        """The same, with the engine's scores, if it has ranked the sentences."""
        if not self.ranked:
            return self.main_points
        return main_point_scores([sentence.text for sentence in self.sentences], self.article.title, self.ranked)

    @property
    def sentences_to_rank(self) -> tuple[str, ...]:
        """The sentences that an engine with a ranker shall rank; none if it is not needed."""
        has_short = any(self.specs[index].length is Length.SHORT for index in self.generated)
        if not has_short or self.show_doubted or is_certain(self.main_points):
            return ()
        return tuple(sentence.text for sentence in self.sentences[:MAX_SENTENCES])

    @cached_property
    def names(self) -> FullNames:
        """The persons whom the article names; none unless it is English, as the rules are."""
        is_english = self.language in ("en", UNKNOWN)
        return FullNames([sentence.text for sentence in self.sentences] if is_english else [])
