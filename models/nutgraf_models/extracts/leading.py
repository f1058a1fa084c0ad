"""The sentences that an article's lead is taken from."""

import re

from nutgraf_models.text.sentences import Sentence, has_words

# "By. Ida Fenn." and "PUBLISHED:. 07:58 EST, 1 May 2013." have a stop, but are no sentence.
_CREDIT = re.compile(r"By\. .{2,60}|[|. ]*(?:PUBLISHED|UPDATED|CREATED|Last updated)\b.{0,60}")


def leading(sentences: list[Sentence]) -> list[str]:
    """The sentences that a lead is taken from: headlines and other lines without a full stop only if all are such.

    Pieces of fewer than two words ("1.", "Dr.") and bylines are none. A text that is nothing else is one sentence.
    """
    texts = [one.text for one in sentences if has_words(one.text)]
    whole = [one.text for one in sentences if one.is_complete and has_words(one.text)]
    story = [text for text in whole if not _CREDIT.fullmatch(text)]
    return story or whole or texts or [" ".join(one.text for one in sentences)]
