"""Full names for persons to whom a sentence refers by "he", "her" or a bare surname.

For sentences that are shown without the article sentences before them. Rules over words: if more than one person could
be meant, nothing is replaced. In 118 article sentences readers named what a pronoun or surname stands for, not always a
person; the rules resolve 53 of them, one of these only in part and none wrongly.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property

from nutgraf_models.checks.forms import fold, is_place
from nutgraf_models.checks.standalone import MAX_CHARACTERS
from nutgraf_models.text.ordinary_words import ordinary_words

# Maximum distance, in sentences, between a pronoun and the name that it stands for.
_REACH = 3
# In the sentence before, a name after more words is not its subject.
_MAX_WORDS_BEFORE_SUBJECT = 6
_WORD = r"[A-Z][a-zà-öø-ÿ]+(?:[-’'][A-Z][a-zà-öø-ÿ]+)*"
# "Ida Fenn", "Ida B. Fenn", "Ida Bea Fenn", "Mayor Ida Fenn".
_FULL_NAME = re.compile(rf"(?<![\w’'-])((?:{_WORD} )?)({_WORD} )((?:[A-Z]\. )?)({_WORD})(?![\w-])(?! [A-Z])")
_LAST_NAME = re.compile(rf"(?<![\w’'-])(?:(?:Mr|Mrs|Ms|Miss)\.? )?({_WORD})(?![\w-])")
_PRONOUN = re.compile(r"(?:(?:And|But|So|Now|Then|Yet) )?(He|She|His|Her) (?=[a-z\d])")
_SAME_PRONOUN = {"he": re.compile(r"(?:He|His)\b"), "she": re.compile(r"(?:She|Her)\b")}
_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_VERB = re.compile(
    r"\b(?:is|was|has|had|are|were|have|said|says|told|will|would|can|could|may|might|did|does|[a-z]{3,}ed)\b"
)
# Words before a surname that are capitalised, too: as the first of a sentence, or always.
_OPENERS = frozenset(
    """
    after although and as because before but despite for if in like now since so that then though when while yet
    """.split()
)
_TIMES = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december
    """.split()
)
# Capitalised words before a name that are no first names.
_TITLES = frozenset(
    """
    president minister chancellor secretary senator sen rep congressman congresswoman governor gov mayor judge justice
    officer detective inspector sergeant sgt constable captain capt colonel col general gen lieutenant lt major admiral
    commander chief king queen prince princess pope bishop archbishop cardinal father sister brother reverend rev saint
    st mr mrs ms miss dr prof professor sir dame lord lady baroness duke duchess earl count coach agent attorney
    ambassador director chairman spokesman spokeswoman sheriff premier first deputy vice acting former
    """.split()
)
# Persons other than the one for whom a pronoun may stand.
_OTHERS = {
    "he": re.compile(
        r"\b(?:she|her|hers|man|boy|son|father|dad|husband|brother|uncle|grandfather|boyfriend|nephew|gunman|suspect"
        r"|driver|officer|victim|teenager)\b",
        re.I,
    ),
    "she": re.compile(
        r"\b(?:he|him|his|woman|girl|daughter|mother|mum|mom|wife|sister|aunt|grandmother|girlfriend|niece|suspect"
        r"|driver|officer|victim|teenager)\b",
        re.I,
    ),
}
# "Her father, David, said": he has her surname.
_RELATIVE = re.compile(
    r"\b(?:father|mother|mum|mom|dad|husband|wife|son|daughter|brother|sister|widow|twin)s?,? [A-Z][a-z]+(?! [A-Z])\b"
)


class FullNames:
    """The persons whom an article names in full. `sentences`: the article's, as those of the summary refer to them."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._sentences = sentences

    def in_full(self, text: str, origin: int, before: str = "") -> str:
        """A sentence with full names for surnames that the article introduces up to the sentence at `origin`.

        `text`: made from the article sentence at `origin`. Surnames in `before` stay, as do later ones of a person.
        """
        if len(text) > MAX_CHARACTERS:
            return text
        known: set[str] = {match[1] for match in _LAST_NAME.finditer(before)}
        parts = []
        end = 0
        for match in _LAST_NAME.finditer(text):
            last = match[1]
            full, first_in = self._persons.get(last, ("", origin))
            if first_in <= origin and last not in known and full not in text and _stands_alone(text, match.start()):
                known.add(last)
                parts += [text[end : match.start()], full]
                end = match.end()
        return "".join(parts) + text[end:]

    def with_antecedent(self, text: str, origin: int) -> str:
        """A sentence with a full name for "he", "she", "his" or "her" at its start, if it can only be one person."""
        match = _PRONOUN.match(text)
        name = self._antecedent(origin, match[1]) if match else ""
        if not match or not name or name in text:
            return text
        return name + ("'s" if match[1] in ("His", "Her") else "") + text[match.end(1) :]

    def _antecedent(self, origin: int, pronoun: str) -> str:
        kind = "he" if pronoun in ("He", "His") else "she"
        for index in range(min(origin, len(self._sentences)) - 1, max(-1, origin - 1 - _REACH), -1):
            text = _QUOTED.sub(" ", self._sentences[index]).strip()
            if _OTHERS[kind].search(text):
                return ""
            named = self._named(text)
            if named:
                opening = text[: min(named.values())]
                is_subject = len(opening.split()) <= _MAX_WORDS_BEFORE_SUBJECT and not _VERB.search(opening)
                return next(iter(named)) if is_subject and len(named) == 1 else ""
            if not _SAME_PRONOUN[kind].match(text):
                return ""
        return ""

    def _named(self, text: str) -> dict[str, int]:
        """The full names of the persons in a text, and where each is first named."""
        named: dict[str, int] = {}
        for match in _LAST_NAME.finditer(text):
            if match[1] in self._persons:
                named.setdefault(self._persons[match[1]][0], match.start())
        return named

    @cached_property
    def _persons(self) -> dict[str, tuple[str, int]]:
        """The full name of each person, by surname, and the index of the first sentence with it.

        Only surnames that occur alone, too, as the second words of other names rarely do, and with one first name.
        """
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for index, text in enumerate(self._sentences):
            for match in _FULL_NAME.finditer(text):
                before, first, _, last = match.groups()
                if _is_first_name(first.strip()) and fold(last) not in _TITLES and not is_place(fold(last)):
                    title = "" if _is_first_name(before.strip()) else before
                    found[last].setdefault(match[0].removeprefix(title), index)
        alone = {
            match[1]
            for text in self._sentences
            for match in _LAST_NAME.finditer(text)
            if match[1] in found and _stands_alone(text, match.start())
        }
        has_relatives = any(_RELATIVE.search(text) for text in self._sentences)
        return {
            last: next(iter(names.items()))
            for last, names in found.items()
            if len(names) == 1 and last in alone and not has_relatives
        }


def _is_first_name(word: str) -> bool:
    folded = fold(word)
    return not any(folded in words for words in (_TITLES, _TIMES, ordinary_words())) and not is_place(folded)


def _stands_alone(text: str, start: int) -> bool:
    """Whether no other name precedes the position: "Jones" and "If Jones", not "David Jones"."""
    if not start or not text[start - 1].isspace():
        return True
    begin = text.rfind(" ", 0, start - 1) + 1
    word = text[begin : start - 1]
    if not word[:1].isupper() or word.endswith((",", ":", ";")):
        return True
    return fold(word) in _TIMES or (not begin and fold(word) in _OPENERS)
