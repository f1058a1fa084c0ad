"""Which of an article's own sentences stand for it where nothing that a model wrote can."""

import re
from collections.abc import Sequence

from nutgraf_models.checks.evidence import shared_weight
from nutgraf_models.checks.standalone import is_fragment, opens_loosely, points_back
from nutgraf_models.extracts.leading import leading
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.text import language
from nutgraf_models.text.sentences import Sentence

# News begin with what matters: nothing from further on opens a summary.
_BEGINNING = 6
# What has less than this share of what the first sentence has in common with the others is an aside.
_SHARE = 0.6
# An article's question, and what somebody says before it is known who, are no summary.
UNFIT = re.compile(r"^[\"“'‘]|\?[\"'”’)]*$")
_DASHED_END = re.compile(r"\s[-–—]\s(\w+\W*)$")


def own_sentences(sentences: Sequence[Sentence], title: str = "", code: str = "en") -> list[str]:
    """The article's sentences in its order, from the best one to open a summary on, without what is no sentence.

    That is the first, unless it is a question, a caption or a piece, or speaks of what its reader cannot know; then the
    next that can be read by itself and is no aside: that has not much less in common with the title and the rest of the
    article. Not empty.
    Of another language than English they are what `leading` makes of them.
    """
    texts = [clean_start(text) for text in leading(list(sentences))]
    if code not in ("en", language.UNKNOWN):
        return texts
    whole = [text for text in texts if not is_piece(text)] or texts
    first = texts[0]
    if first in whole and not UNFIT.search(first) and not opens_loosely(first):
        return whole

    def central(text: str) -> float:
        return shared_weight(text, [title, *(other for other in texts if other != text)])

    fit = [text for text in texts[1:] if text in whole and not UNFIT.search(text) and not points_back(text)]
    fit = [text for text in fit if text in texts[:_BEGINNING]] or fit[:1]
    if first in whole:
        least = _SHARE * central(first) if fit else 0.0
        best = next((text for text in fit if central(text) >= least), first)
    else:
        best = (fit or whole)[0]
    return whole[whole.index(best) :]


def is_piece(text: str) -> bool:
    """Whether this is no sentence of an article. One that ends behind a dash is: nothing was cut off."""
    return is_fragment(_DASHED_END.sub(r" \1", text))
