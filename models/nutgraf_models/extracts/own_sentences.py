"""Extractive fallback: the article's own sentences, from its best opening on."""

import re
from collections.abc import Sequence

from nutgraf_models.checks.evidence import shared_weight
from nutgraf_models.checks.standalone import is_fragment, opens_loosely, points_back
from nutgraf_models.extracts.leading import leading
from nutgraf_models.extracts.shorten import clean_start
from nutgraf_models.text import language
from nutgraf_models.text.sentences import Sentence

# News leads with the main point, so only these first sentences may open a summary.
_BEGINNING = 6
# A sentence with less than this share of the first one's overlap with the article is an aside.
_SHARE = 0.6
# Questions, and quotations before their speaker, do not open a summary. A title may: "“Fish in the Dark” has opened".
UNFIT = re.compile(r"^[\"“'‘](?![^\"“”‘’,.?!]{1,40}[\"”’] [a-z])|\?[\"'”’)]*$")
_DASHED_END = re.compile(r"\s[-–—]\s(\w+\W*)$")


def own_sentences(sentences: Sequence[Sentence], title: str = "", code: str = "en") -> list[str]:
    """The article's complete sentences, in order, starting with the best one to open a summary; never empty.

    That is the first, unless it is a question, a caption or a fragment, or refers to something unknown. Otherwise it is
    the next sentence that stands alone and is no aside: it overlaps enough with the title and the rest of the article.
    For languages other than English, the result is that of `leading`.
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
        threshold = _SHARE * central(first) if fit else 0.0
        best = next((text for text in fit if central(text) >= threshold), first)
    else:
        best = (fit or whole)[0]
    return whole[whole.index(best) :]


def is_piece(text: str) -> bool:
    """Whether this is a fragment. A last word after a dash is fine in an article, where nothing was cut off."""
    return is_fragment(_DASHED_END.sub(r" \1", text))
