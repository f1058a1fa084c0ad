"""A simple check of a summary's names and numbers, independent of the product's own so that it can judge it.

It errs on the side of reporting: every word with a capital or a digit must occur in the article, in any case. The first
word of a sentence counts only if it is not a common opening word and the next word is capitalised too.
"""

import re

_WORD = re.compile(r"\d[\d.,:/]*\d|\d|[^\W\d_](?:[^\W_]|['’.&-](?=[^\W_]))*|\w+")
_OPENING = frozenset(
    """
    a about according across after against ahead all almost already also although amid among an and another any anyone
    are around as at authorities be because been before being best between both but by campaigners can could critics
    despite did do does doctors don't due during each eight experts families fans few fifth firefighters first five
    following for four fourth from got had half has have he her here his hospital how however hundreds if in inside is
    it it's its just last later leading less life like local many mass may men millions minister ministers more most
    mother mps my near nearly new nine no none not nothing now of officers officials on one only or other our over
    people plans players police politicians prime prison protesters pupils researchers residents rising role scientists
    second seven several she should since six some staff still students such supporters ten than that the their them
    then there these they third this those thousands three through to today tonight top travel two under until up
    using was we were what when where whether which while who whose why will with woman women work workers would year
    years you young your
    """.split()
)
_STOP = _OPENING | frozenset("into out so s too very much says said say also being i me us him off down".split())
_NUMBERS = dict(
    zip(
        "one two three four five six seven eight nine ten eleven twelve".split(),
        map(str, range(1, 13)),
        strict=True,
    )
)


def unsupported_words(summary: str, article: str) -> list[str]:
    """The words of `summary` that look like names or numbers and do not occur in `article`, in order."""
    return [summary[start:end] for start, end in unsupported_spans(summary, article)]


def unsupported_spans(summary: str, article: str) -> list[tuple[int, int]]:
    """Spans of `unsupported_words` in `summary`, in code points."""
    known = set()
    for word in _WORD.findall(article):
        known |= _forms(word)
    found = []
    words = [(match.group(), match.start()) for match in _WORD.finditer(summary)]
    for index, (word, start) in enumerate(words):
        if not (word[0].isdigit() or word[0].isupper()) or word == "I" or not known.isdisjoint(_forms(word)):
            continue
        before = summary[:start].rstrip(" \"'“‘(")
        opens = not before or before[-1] in ".!?:…\n"
        if opens and word.istitle():
            follower = words[index + 1][0] if index + 1 < len(words) else ""
            if word.casefold() in _OPENING or not follower[:1].isupper():
                continue
        found.append((start, start + len(word)))
    return found


def content_words(text: str) -> list[str]:
    """The words without stop words, case-folded."""
    return [word.casefold() for word in _WORD.findall(text) if word.casefold() not in _STOP]


def content_coverage(summary: str, article: str) -> float:
    """The share, 0 to 1, of content words in `summary` whose first five letters match a word of `article`."""
    stems = {word.casefold()[:5] for word in _WORD.findall(article)}
    content = content_words(summary)
    return sum(word[:5] in stems for word in content) / len(content) if content else 0.0


def _forms(word: str) -> set[str]:
    lowered = word.casefold().replace("’", "'").rstrip(".")
    forms = {lowered, lowered.replace(",", ""), lowered.replace(".", ""), lowered.removesuffix("'s").removesuffix("'")}
    forms |= {form.removesuffix("s") for form in list(forms) if len(form) > 3}
    forms |= {_NUMBERS[form] for form in list(forms) if form in _NUMBERS}
    if "-" in lowered:
        forms |= set(lowered.split("-"))
    return forms
