"""Sentence boundaries in English.

Rules over the context of each stop: before it, an abbreviation, an initial or a list number; after it, a lower-case
letter, a digit, a word that often begins sentences, or the speaker of a quotation. The use of frequent sentence
starters after abbreviations comes from Punkt (Kiss and Strunk 2006, "Unsupervised Multilingual Sentence Boundary
Detection"); here they are a fixed list. models/README.md has the accuracy.
"""

import re

# One or more stops, closing quotation marks and brackets, and the following space.
_STOP = re.compile(r"(?P<stop>\.(?: ?\.)+|[.!?…]+)(?P<close>(?:[\"'”’)\]]|\s?»)*)(?P<gap>\s*)")
_OPENERS = re.compile(r"[\"'“‘«`(\[¿¡*•–—-]*\s*")
_LONE_QUOTE = re.compile(r"\s\"(?=\s)")
# A sentence may begin with a lower-case name: "iPhone", "al-Shabab".
_LOWER_CASE_NAME = re.compile(r"[a-z][A-Z]|[ae]l-[A-Z]")
# Characters of context before and after a stop.
_CONTEXT = 60

# A stop without a following space: "social media.The", but not "LeanIn.Org", "U.S.A" or "v2.Beta".
_WHOLE_WORD = re.compile(
    r"(?:^|[\s\"'“‘(\[–—-])(?:[^\W\d_]+\d*(?:['’][a-z]+)?|(?:[A-Za-z]\.)+[A-Za-z]|[$£€]?\d[\d.,:-]*\w{0,3}%?)"
    r"[\"'”’)\]]*$"
)
_RUN_ON = re.compile(r"[\"“'‘(]?(?![\w.-]+@|(?:Com|Org|Net|Edu|Gov|Co|Tv|Js)\b)(?:[A-Z][a-z]|[AI] |[A-Z]{2}|[AQ]: )")

# Frequent sentence starters that are not names: after "Inc." or "the U.S.", they indicate a sentence boundary.
_STARTERS = frozenset(
    """
    A After All Although An And As At Authorities Because Before Both But By Critics Despite During Each Earlier
    Every Experts Firefighters For From He Her Here His How However I If In Instead Investigators It Its Later Many
    Meanwhile My Nobody Of Officers Officials On Or Our Prosecutors Relatives Rescuers Researchers Residents
    Scientists Several She Since So Some That The Their Then There These They This Those Though Today Until We What
    When Where While Why With Without Witnesses Yesterday Yet You Your
    """.split()
)
_FIRST_WORD = re.compile(r"[A-Za-z]+(?=['’,\s])")
_LAST_WORD = re.compile(r"[^\s\"'“”‘’«»`()\[\]/–—-]+$")

# Abbreviations before a name or noun, which never end a sentence.
_NEVER = frozenset(
    """
    Adj Adm Ald Amb Asst Atty Attys Brig Ca Capt Cllr Cllrs Cmdr Col Cols Const Cpl Dep Det Dr Drs Fr Ft Gen Gens
    Gov Govs Hon Insp Lt Maj Messrs Mlle Mme Mr Mrs Ms Msgr Mt Pfc Pres Prof Profs Pvt Rep Reps Rev Sen Sens Sgt
    Sgts St Ste Supt Treas approx ca cf cu deg dr e.g esp i.e incl sq v viz vs
    """.split()
)
# Except as part of a street name: "on Main St. The".
_STREETS = frozenset("Ave Blvd Ct Dr Hwy Ln Pkwy Pl Rd Sq St Ter".split())
_STREET_NAME = re.compile(r"(?:\b[A-Z][\w.'’]*|\d(?:st|nd|rd|th)) \w+$")
# Abbreviations that may end a sentence, but seldom do.
_SELDOM = frozenset(
    """
    Assn Assoc Bros Co Corp Cos Dept Dist Div Esq Govt Inc Inst Intl Jr Ltd Ph.D Plc Pty Sr Univ al co corp dept govt
    inc ltd plc
    """.split()
)
_STATES = frozenset(
    """
    Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Mass Md Mich Minn Mo Mont Neb Nev Okla Ont Ore Pa Penn Que
    Tenn Tex Va Vt Wash Wis Wyo N.C N.D N.H N.J N.M N.Y R.I S.C S.D W.Va
    """.split()
)
# "in Lodi, Calif. Police" and "Sunday Mass. Father Egan", not "former Mass. Gov."
_BEFORE_STATE = re.compile(
    r"(?:^|\b(?:the|an?|in|of|from|near|and|by|to|at|for|with|as|when|while|former|said)[ -])\W*\S+$", re.I
)
# Abbreviations only before a number: "No. 1", but "said no. Marlow".
_BEFORE_NUMBERS = frozenset(
    """
    Apt Art Arts Bldg Ch Chap Cl Ep Eps Eq Est Ex Ext Fig Figs Hwy Mk No Nos Op Para Pt RS Reg Rm Rs Rt Rte Sec Secs Ser
    Tel Vol Vols aug dec est ext feb fig figs jan max min no nos nov oct p para pop pp sept vol vols
    """.split()
)
_NUMBER = re.compile(r"[\d#$£€]|(?:[IVXLC]{2,}|[VX])\b")
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)"
_DATE = re.compile(r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun")
_REST_OF_DATE = re.compile(rf"\d|{_MONTH}[a-z]*\.? \d")
_CLOCK = re.compile(r"[AaPp]\.[Mm]")
_REST_OF_TIME = re.compile(
    rf"\d|[A-Z]{{1,3}}T\b|UTC\b|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|{_MONTH}[a-z]*\.? \d"
    r"|(?:Eastern|Central|Mountain|Pacific|Greenwich)\b|(?:[A-Z]\w+ ){1,2}[Tt]ime\b"
)
_UNIT = re.compile(r"\d[ -]?(?:ft|in|lbs?|oz|kg|km|cm|mm|mi|mph|yds?|hrs?|mins?|secs?|gals?)$")
_LETTERS = re.compile(r"[A-Za-z](?:\.[A-Za-z])*")
# "world's", "isn't": the letter after an apostrophe is no initial.
_CONTRACTED = re.compile(r"\w['’][A-Za-z]$")
# A capital letter and consonants: "Hwy", "Blvd".
_NO_VOWEL = re.compile(r"(?!(?:Hmm|Shh|Grr|Brr|Psst|Pfft|Tsk|Ng)$)[A-Z][b-df-hj-np-tv-xz]{1,4}")
# A single letter that is not an initial.
_LETTERED = re.compile(
    r"\b(?:vitamin|hepatitis|influenza|plan|group|class|grade|category|type|exhibit|row|block|factor|schedule|option|"
    r"appendix|section|terminal|gate|zone) [A-Z]$|\b(?:and|than) I$",
    re.I,
)
# "At 9 a.m. Ida Fenn": a short opening phrase does not end at an abbreviation.
_PHRASE = re.compile(r"\W*(?:About|After|Around|At|Before|By|From|In|Near|On|Since|Until)(?: \S+){1,4}")
# Labels at the start of a sentence: a list number, "Q.", the "By." of a byline.
_LABEL = re.compile(r"\W*(?:\d{1,2}|[A-Za-z]|[ivx]{2,4}|By)")

# Names with an exclamation or question mark, and titles in quotation marks.
_MARKED_NAME = re.compile(
    r"\b(?:Yahoo|Jeopardy|Oklahoma|Mamma Mia|Moulin Rouge|Panic|Wham|Airplane|Oliver|Dolly|Westward Ho|Jeb|"
    r"Who Wants to Be a Millionaire)$"
)
_TITLE = re.compile(
    r"\b(?:album|book|comedy|documentary|film|game|hit|movie|musical|novel|play|series|show|single|song|called|entitled|"
    r"named|titled),? [\"“'‘][^\"”]*$"
)
# "Is it over?" Ann Fox asked. Not: "Is it over?" Police said that it was.
_SAID = (
    r"(?:asked|asks|told|tells|cried|shouted|joked|quipped|yelled|wondered|exclaimed|replied|demanded|tweeted|"
    r"(?:said|says|added|adds|wrote|writes)(?! (?:that|he|she|they|it|the|an?|there|his|her|their)\b))\b"
)
_SPEAKER = re.compile(
    rf"(?!(?:{'|'.join(sorted(_STARTERS - {'I'}))})\b)[A-Z][\w.'’-]*"
    rf"(?:(?: [A-Z][\w.'’-]*){{0,4}}(?: \([^()]{{1,30}}\))?|[\w.'’ -]{{0,30}}, [^,.\"“]{{1,30}},) {_SAID}"
)
# A caption or heading without a stop before a sentence: "in an interview with the station The controller has said".
_LOST_STOP = re.compile(
    r"\b(?!(?:the|of|in|on|and|for|to|with|from|at|by|as|is|was|are|than|that|or|about|into|like|called|named|entitled|"
    r"titled|song|film|movie|album|show|series|book|novel|play|game|said|says|read|reads|reading|say|see|saw|watch|"
    r"watching|against|over)\b)[a-z][a-z’'-]{2,}(?= (?:The|He|She|They|But|This) [a-z]{2,})"
)


def boundaries(paragraph: str) -> list[int]:
    """Ends of all sentences but the last of an English paragraph: sorted positions in code points."""
    is_lower_case = paragraph.islower()
    ends: list[int] = []
    begin = counted = quotes = 0
    for match in _STOP.finditer(paragraph):
        quotes += paragraph.count('"', counted, match.start())
        counted = match.start()
        end = _end(paragraph, begin, match, quotes % 2 == 1, is_lower_case)
        if end is not None:
            ends.append(end)
            begin = end
    counted = quotes = 0
    for match in _LOST_STOP.finditer(paragraph):
        quotes += paragraph.count('"', counted, match.end())
        counted = match.end()
        if quotes % 2 == 0:
            ends.append(counted)
    return sorted(set(ends))


def _end(paragraph: str, begin: int, match: re.Match[str], quoted: bool, is_lower_case: bool) -> int | None:
    """The end of the sentence from `begin`, or None if it does not end at this stop.

    `quoted`: the stop is inside straight quotation marks. `is_lower_case`: the paragraph has no capitals.
    """
    before = paragraph[max(begin, match.start() - _CONTEXT) : match.start()]
    stop, close, end = match["stop"], match["close"], match.end("close")
    if match.end() == len(paragraph) or not any(map(str.isalnum, before)):
        return None
    if not match["gap"]:
        if not quoted and close.endswith('"'):
            # The mark opens a new quotation.
            close, end = close[:-1], end - 1
        if not (_RUN_ON.match(paragraph[end : end + _CONTEXT]) and _WHOLE_WORD.search(before)):
            return None
    elif is_lower_case and before[-1].isspace() and stop in (".", "?", "!"):
        # Tokenised text.
        return end
    elif quoted and not close and (lone := _LONE_QUOTE.match(paragraph, end)):
        end = lone.end()
    behind = paragraph[end : end + _CONTEXT].lstrip()
    following = _OPENERS.sub("", behind, count=1)
    if not following:
        return None
    if following[0].islower() and not _LOWER_CASE_NAME.match(following):
        ends = is_lower_case and _ends_in_lower_case(before, stop, close, following)
    elif _is_ellipsis(stop):
        ends = following[0].isupper()
    elif stop == ".":
        ends = _full_stop_ends(before, close, following)
    else:
        ends = _mark_ends(before, close, behind)
    return end if ends else None


def _is_ellipsis(stop: str) -> bool:
    return stop[0] == "…" or stop.startswith(("..", ". ."))


def _ends_in_lower_case(before: str, stop: str, close: str, following: str) -> bool:
    """Whether a stop ends a sentence in text without capitals; not after abbreviations and quotations."""
    word = _LAST_WORD.search(before)
    if close.strip(")]") or _is_ellipsis(stop):
        return False
    return stop != "." or word is None or _abbreviation_ends(word.group().title(), before, following) is None


def _mark_ends(before: str, close: str, behind: str) -> bool:
    """Whether a question or exclamation mark ends a sentence."""
    if _MARKED_NAME.search(before):
        return _starts(behind)
    if close.strip(")]"):
        return not _SPEAKER.match(behind)
    return not _TITLE.search(before)


def _full_stop_ends(before: str, close: str, following: str) -> bool:
    """Whether a full stop ends a sentence."""
    last = _LAST_WORD.search(before)
    if last is None:
        return True
    word = last.group()
    # "DR. IDA FENN LEFT"
    in_capitals = before.isupper() and following.isupper()
    if in_capitals:
        word = word.title()
    if word.endswith(":") or _LABEL.fullmatch(before):
        return False
    ends = _abbreviation_ends(word, before, following)
    if ends is None:
        # Any abbreviation in a reference: "(Matt. 6:10)".
        return not (following[0].isdigit() and before.rfind("(") > before.rfind(")"))
    if close and word not in _NEVER:
        # "(D-Calif.) Monday", but: "... to the U.S." Monday
        return ")" not in close
    return ends and not in_capitals and not _PHRASE.fullmatch(before)


def _abbreviation_ends(word: str, before: str, following: str) -> bool | None:
    """Whether the abbreviation `word`, the last of `before`, ends a sentence; None if it is no abbreviation."""
    if _CONTRACTED.search(before):
        return None
    if word in _BEFORE_NUMBERS and _NUMBER.match(following):
        return False
    if word in _STREETS and _STREET_NAME.search(before):
        return _starts(following)
    if word in _NEVER:
        return False
    if _CLOCK.fullmatch(word):
        return not _REST_OF_TIME.match(following)
    if _DATE.fullmatch(word):
        return not _REST_OF_DATE.match(following)
    if _UNIT.search(before) or _LETTERED.search(before) or (word in _STATES and not _BEFORE_STATE.search(before)):
        return not following[0].isdigit()
    if word in _SELDOM or word in _STATES or _LETTERS.fullmatch(word) or _NO_VOWEL.fullmatch(word):
        return _starts(following)
    return None


def _starts(following: str) -> bool:
    """Whether the next word is a frequent sentence starter."""
    word = _FIRST_WORD.match(following)
    return word is not None and word.group() in _STARTERS
