"""Candidate sentences for an article's lead."""

import re

from nutgraf_models.text.sentences import Sentence, has_words

# Not sentences despite their stops: "By. Ida Fenn.", "PUBLISHED:. 07:58 EST, 1 May 2013."
_CREDIT = re.compile(r"By\. .{2,60}|[|. ]*(?:PUBLISHED|UPDATED|CREATED|Last updated)\b.{0,60}")


def leading(sentences: list[Sentence]) -> list[str]:
    """The complete sentences, without bylines and pieces of fewer than two words ("1.", "Dr.").

    Incomplete ones, such as headlines, are used only if there are no others; as a last resort the whole text.
    """
    texts = [sentence.text for sentence in sentences if has_words(sentence.text)]
    complete = [sentence.text for sentence in sentences if sentence.is_complete and has_words(sentence.text)]
    story = [text for text in complete if not _CREDIT.fullmatch(text)]
    return story or complete or texts or [" ".join(sentence.text for sentence in sentences)]
