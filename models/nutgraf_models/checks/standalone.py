"""Whether a sentence stands alone: it is complete, and refers to nothing that the reader has not seen.

Rules over words. Measured on the training references, which are self-contained, so that every match there is a false
positive (models/README.md).
"""

import re

from nutgraf_models.checks.forms import fold, is_place
from nutgraf_models.text.ordinary_words import ordinary_words
from nutgraf_models.text.sentences import has_words, is_complete, word_count

_MIN_WORDS = 3
# A longer sentence is never shown, and would be slow to match.
MAX_CHARACTERS = 1500
_SHORT_WORDS = 16
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_QUOTED = re.compile(r"[“\"][^”\"]*[”\"]|(?<!\w)[‘'](?=\w)[^’'\"]*(?:[’'](?=\w)[^’'\"]*)*[’'](?!\w)")

# "It" without an antecedent.
_EMPTY_IT = r"it (?:is|was|ha[sd] been|(?:will|would|could|may|can) be|takes?|took|emerged|appears|seems) "
# References at the start of a sentence: "He", "This"; not "It is thought that" or "This week".
_POINTING_START = re.compile(
    r"(?!instead of )(?:and|but|so|or|yet|also|however|meanwhile|instead|then|still|nor|because of this|as a result|"
    r"in fact|indeed|once again|of course|after all|in other words|for example|for instance|similarly|likewise|"
    r"nevertheless|nonetheless|moreover|furthermore|in addition|besides|by contrast|at the same time|finally"
    r"|secondly|lastly|eventually|ultimately|afterwards?|suddenly|incredibly),?\s"
    r"|for (?:as|if|once|though|when|while)\b|[^,]{2,60}, (?:however|meanwhile|though),"
    r"|(?:\w+ ){1,3}(?:minutes?|hours?|days?|weeks?|months?|years?) (?:before|earlier|later|prior)\b"
    r"|(?:he|she|they|his|her|their|its|him|them|these|those|such|both|either|neither|others?|another|here"
    r"|there['’]s why)\b"
    r"(?! (?:in (?:\w+ )?(?:\w+|\d+)|of|who|sides|houses|men and|women and|people|parents)\b)"
    r"|(?:this|that)\b(?! (?:year|week|month|summer|winter|spring|autumn|morning|afternoon|evening|weekend|season)\b)"
    r"|(?:some|several|many|most|few|all|none|one) (?:might|may|have|has|had|were|was|are|also|will|would|could|can)\b"
    r"|\w+ aside,|now another\b"
    r"|(?:beginning|earlier|from|in|last|next|on|since|starting|this)(?-i:(?: [a-z0-9]+){1,4}), (?:they|their|its)\b"
    r"|(?:all|any|both|each|half|many|most|none|one|several|some|three|two) of (?:her|his|its|their|them|these)\b"
    r"|(?:consider|enjoy|forget|imagine|look|meet|picture|remember|say|suppose|take|think)"
    r" (?:a|about|an|at|back|being|having|how|if|it|of|that|the|this|what|you)\b|lemme\b|let(?: me|['’]s)\b"
    rf"|(?!{_EMPTY_IT})it\b"
    r"|the (?:same|latter|former (?:was|is|said|has)|two|three|pair|trio|duo|couple|others?|move|latest|incident"
    r"|victims?|attack|decision|announcement|comments?|news|deal|crash|company|firm|group|club|team|organi[sz]ation|agency"
    r"|charity|man|woman|boy|girl|teenager|child|child['’]s|player|actor|actress|singer|star|film|show|programme|book"
    r"|report|study|survey|law|bill|plan|project|ruling|verdict|case|trial|event|match|game|win|victory|defeat"
    r"|result|accident|blaze|fire|ship|plane|car|bus|train|video|footage|pictures?|images?|site|building|school"
    r"|\d+-year-old(?: (?:man|woman|boy|girl))?|\d+) "
    r"(?:was|were|is|are|has|have|had|will|would|also|said|says|took|came|comes|follows|happened"
    r"|won|lost|died|told|did|does|could|can|may|might|must|should|went|made|left|began|started|ended|added"
    r"|believes?|claims?|claimed|denied|denies|hopes?|wants?|plans?|intends?|aims?|includes?|included|[a-z]{3,}(?:ed|s))\b",
    re.I,
)
# "It is the strongest storm of the year" has an antecedent elsewhere; "It was the mayor who" has none.
_IT_IS_ONE = re.compile(r"it (?:is|was) (?:the|an?|one|also|now|still|another)\b(?!.*\b(?:that|who|when)\b)", re.I)
# Repetition is a generation error: "Mylan and Mylan", "for four months for four months".
_REPETITION = re.compile(r"\b([A-Z][\w'’-]+) (?:and|or|,) \1\b(?![-'’]\w| [A-Z])|\b(\w+ \w+(?: \w+){0,8}),? \2\b")
# "The quay of the port, in Marlow: Ships are", of a picture. A title may have a colon, too.
_CAPTION = re.compile(r"([^:\"“‘]{20,160}): [A-Z]")
_LABELLED = re.compile(r"(?:The|A|An) [a-z]+: ")
# "Vandalized: Caretakers …", "Leaving Wall Street: Ida Fenn …". Not "Ida Fenn said: It is over".
CAPTION_LABEL = re.compile(
    r"(?![^:]*\b(?:said|says?|adds?|added|wrote|writes|tweeted|asks?|asked|reads?|stated?|is|was|are|were|has|had)\b)"
    r"[A-Z](?:[\w’'-]+(?: [a-z]+){0,3}|[a-z]+ing(?: [A-Za-z]+){0,3}): (?=[A-Z])"
)
# "Ida Fenn, right, at the port", "the crane (above)": of a picture.
_PICTURED = re.compile(
    r"[A-Z][\w’'-]+, (?:pictured|(?:far )?(?:left|right)|cent(?:re|er))(?:,| (?:with|in|at|on|above|below)\b)"
    r"|\((?:pictured|inset|above|below|(?:far )?(?:left|right)|cent(?:re|er))\b"
)
# Pieces of titles, lists, links and live reports: "War, is based on facts", "Why cranes fall .", "Foul by Ida Fenn".
# Attributions alone: "The Marlow News reported."
_PIECE = re.compile(
    r"(?:The )?(?:[A-Z][\w’'-]* ){1,5}(?:reported|reports|said|says|wrote|writes)\.$|"
    r"[A-Z][\w’'-]+, (?:is|was|has|had|are|were)\b|[^:]{3,60}: Born\b|(?:Why|How) [^?]*$|.*(?: |[,:;–—-])[.!?]$"
    r"|.*\b(?:chart|figure|gallery|graph|graphic|image|list|map|photo|picture|plot|table|video) (?:above|below)\b"
    r"|(?:Attempt (?:blocked|missed|saved)|Corner,|Foul by|Hand ball by|Match ends|Offside,|Substitution,"
    r"|(?:First|Second) Half (?:begins|ends))|.* (?:wins a free kick in|is shown the (?:red|yellow) card)\b"
)
# Two sentences without a full stop between them.
_RUN_ON = re.compile(r"[a-z]{2,} (?:According to|However,|Meanwhile,|(?:He|She|They) (?:is|was|has|had|said|will)\b)")
# The end of a quotation that began in the sentence before.
_CLOSED_QUOTATION = re.compile(r"[^'’‘\"“]{1,60}['’],\s")
_OPENING_PRONOUN = re.compile(rf"[\"“'‘]?(?!{_EMPTY_IT})(he|she|they|his|her|their|it|its)\b", re.I)
_PERSONAL = frozenset("he she him her his hers himself herself".split())
_GROUP = frozenset("they them their theirs themselves it its itself".split())
# Capitalised ones are often names ("Us Weekly", "My Way"), except "I" and those that start a sentence.
_FIRST_PERSON = re.compile(
    r"(?<![\w.])I(?:['’]\w+)?(?![\w.])|\b(?:me|my|mine|we|us|our|ours|you|your)(?:['’]\w+)?\b"
    r"|^\W*(?:We|My|Our|You|Your)\b"
)
_AS_KNOWN = re.compile(r"\bas (?:we|you) know (?:it|them)\b")
# "the Act" needs its full name somewhere before.
_BARE_NOUN = re.compile(
    r"\b[Tt]he (Act|Bill|Treaty|Court|Company|Group|Committee|Commission|Ministry|Department|Board|Trust|Foundation|"
    r"Association|Institute|Society|Agency|Authority|Club|Party|Academy|Council|University|College|Programme|Report)\b"
    r"(?! (?:of|for|on)\b)(?! [A-Z])"
)
_BARE_THIS = re.compile(
    r"\b(?:about|by|do|doing|for|from|like|of|with) this(?=[,.;]| (?:has|in|is|was)\b)"
    r"|\bthat (?:afternoon|day|evening|morning|night)\b|"
    r"\b(?:said|says|say|that|and|but|as) this (?:could|would|is|was|will|has|had|may|might|means)\b"
    r"|\b(?:for )?another (?:reason|factor|problem|explanation)\b|\bsuch a thing\b"
)
# "The South African chased him", if nobody was named.
_BARE_DEMONYM = re.compile(
    r"\b[Tt]he (?!Vatican|Taliban|Guardian)(?:[A-Z][a-z]+ )?[A-Z][a-z]+(?:an|ese|man|woman) "
    r"(?:was|is|has|had|said|says|(?!armed)[a-z]+ed)\b"
)
_CONJUNCTION = re.compile(r"(?:and|or|nor|so)\b", re.I)
# An answer, or a comparison with what was said before.
_ANSWER = re.compile(r"yes\b|(?:no|yeah|well|(?:more|most) importantly|(?:better|worse) still),", re.I)
# "She has also said", "That is common, too.", "The band was there", "in Marlow, another town that".
_ADDED = re.compile(
    r"^\W*\w+(?: [\w’'-]+){0,4} also\b|, too\.$|\b(?:was|were) (?:also )?there(?:[,.]| as well| too)|, another [a-z]"
)
# "Here's a look at the cranes", "There were the cranes and the ships."
_PRESENTED = re.compile(
    r"(?:and |but )?here(?:['’]s| are| is| was)\b|There (?:are|is|was|were) the\b"
    r"(?! (?:chance|danger|fear|possibility|prospect|question|risk|threat)\b)",
    re.I,
)
# Plural, as "such a" and "such information" often need no antecedent.
_SUCH = re.compile(r"\bsuch (?!as\b)([a-z]+s)\b")
# "That was the good news."
_COMMENT = re.compile(r"(?:that|this|it)(?:['’]s| is| was)(?: [\w’'-]+){1,4}[.!]$", re.I)
# "Nearly 30% said": of whom?
_SHARE_OF_WHOM = re.compile(
    r"\W*(?:(?:about|almost|another|around|at least|just|just (?:over|under)|more than|nearly|only|over|some) )?"
    r"(?:\d+(?:\.\d+)?(?:%| per ?cent)|half|an? (?:third|quarter|fifth)|two[- ]thirds|three[- ]quarters) "
    r"(?:also )?(?:said|say|had|have|did|do|were|are|believed?|thought|think|felt|feel|admitted|reported|agreed?|wanted"
    r"|want)\b",
    re.I,
)
_SURVEY = re.compile(r"\b(?:survey|poll|asked|questioned|respon|interviewed)", re.I)
_POINTING_NOUN = re.compile(
    r"\b(?:these|those|such|this(?! (?:year|week|month|summer|winter|spring|autumn|fall|season|morning|afternoon|"
    r"evening|weekend|time|century|decade|day|point|way|is|was|has|will|could|would|may|might)\b)) ([a-z]+)",
    re.I,
)
# "The leader of that country", if no country was named. Not "a device that lets".
_THAT_NOUN = re.compile(
    r"\b(?:of|to|from|for|at|by|with|on|all) that (?!day|time|year|night|week|kind|sort|period|lets?\b)([a-z]+)\b"
    r"(?! (?:is|was|are|were|has|have|had|will|would|can|could|may|did|do|does)\b)"
    r"|\bthat ([a-z]+)['’]s\b(?! (?:been|not|an?|the|why|what|how)\b)"
    r"|\bin that (case|instance|moment|respect|sense|situation)\b"
)
# "Winners of the last four races, they were second": no name precedes "they".
_LATE_SUBJECT = re.compile(
    r"\W*[A-Z][a-z'’-]*(?: [a-z'’-]+){1,12}, (?:they|he|she|it)\b(?! (?:is|was) (?:thought|believed|said))"
    r"|\W*For [^,]{3,100}, it\b(?! (?:is|was)\b)"
)
# "Reaching its centenary, the port of Marlow"
_SUBJECT_FOLLOWS = re.compile(r"\W*[A-Z][a-z]+ing (?:its|their) [^,]{3,80}, (?:the\b|[A-Z])")
_NAME_FOLLOWS = re.compile(r", (?:[a-z-]+ ){0,4}[A-Z][\w'’-]+")
_PERSON = re.compile(
    r"\b(?:man|woman|boy|girl|teenager|teen|child|baby|mother|father|mum|dad|son|daughter|husband|wife|brother|sister|"
    r"widow|king|queen|prince|princess|pope|driver|pilot|officer|soldier|player|striker|midfielder|defender|goalkeeper|"
    r"captain|coach|manager|boss|actor|actress|singer|star|rapper|doctor|nurse|teacher|pupil|student|patient|prisoner|"
    r"inmate|judge|lawyer|politician|president|minister|senator|leader|mp|winner|champion|victim|suspect|pensioner|"
    r"worker|owner|farmer|author|writer|journalist|reporter|model|passenger|cyclist|motorcyclist|pedestrian|"
    r"secretary|aide|deputy|sheriff|priest|bishop|nun|monk|imam|rabbi|cleric|chef|architect|comedian|historian|musician|"
    r"billionaire|millionaire|tycoon|heiress|duchess|duke|grandmother|grandfather|toddler|someone|person|resident|"
    r"customer|chief|director|founder|candidate|mayor|killer|"
    r"murderer|gunman|attacker|rider|jockey|swimmer|runner|golfer|boxer|fan|veteran|hero|who|\w+(?:man|woman|er|or|ist))\b",
    re.I,
)
_BY_LINE = re.compile(
    r"by\. |by (?-i:[A-Z][\w'’-]+ [A-Z][\w'’.-]+(?: (?:and|for|in|of|[A-Z][\w'’-]+)){0,8}\W*$)|"
    r"editor['’]?s['’]? note\b|"
    r"(?:photo|image|picture|video|caption|source|credit|copyright|scroll down|click|read more|see also|follow|share|"
    r"watch|listen|subscribe|sign up|updated|published|posted|last updated|media playback)\b[.:]?\s"
    r"(?!(?:the|a|an|of|from|shows?|showing|that)\b)",
    re.I,
)
# Bullets without a subject, "Reveals that she …", and a reason without a consequence, "Because it was late: …".
_NO_SUBJECT = re.compile(
    r"(?:Admits|Adds|Admitted|Believes|Denies|Had|Has|Insists|Is|Reveals|Says|Thinks|Vows|Wants|Was) "
    r"(?:a|an|been|he|her|his|it|she|that|the|they|to)\b(?!.*\?)|Because\b[^,.]*: "
)
# Headlines and bullets omit the article: "Rapper says he felt".
_NO_ARTICLE = re.compile(
    r"(?:Actor|Actress|Boy|Brother|Couple|Dad|Daughter|Daredevil|Defender|Ex-\w+|Father|Father-of-\w+|Footballer|Girl|"
    r"Goalkeeper|Grandfather|Grandmother|Gunman|Husband|Man|Midfielder|Mother|Mother-of-\w+|Mum|Pensioner|Politician|"
    r"Rapper|Schoolboy|Schoolgirl|Sister|Soldier|Striker|Suspect|Teenager|Toddler|Victim|Widow|Wife|Winger|Woman) "
    r"(?:says?|said|was|is|has|had|who|claims|reveals|tells|told|admits|dies|died|wins|won|wants|insists|denies)\b"
)
# A full stop within a sentence, from a line break: "on its. home turf". Not "6 in. deep", "no. two".
_STOP = re.compile(r"(?<![\w.'’-])(?<!\d )(?!nos?\.|[Cc]o\.)([A-Za-z][a-z]*)\. [a-z]{2,} ")
# A quotation that is cut off: "journalists to a 'Special."
_OPEN_QUOTATION = re.compile(r"(?<![\w.])[‘'](?!(?:em|til|cause|tis|twas)\b)[A-Za-z][^'’‘]*$")
_LIST_NUMBER = re.compile(r"\(?(?:\d{1,3}|[ivx]{1,4}|[a-z])[.)]?\W*$", re.I)
_LISTED = re.compile(r"\(?\d{1,2}[.)] |Step \w+: ")
# Finite verbs; regular forms are found by their endings.
_VERBS = frozenset(
    """
    is are was were be been being am has have had do does did will would can could may might must shall should isn't
    aren't wasn't weren't hasn't haven't hadn't doesn't don't didn't won't wouldn't can't couldn't cannot says said
    say told tells tell won win wins lost loses lose made makes make took takes take gave gives give got gets get went
    goes go came comes come saw sees see found finds find left leaves leave kept keeps keep held holds hold met meets
    meet ran runs run led leads lead sent sends send set sets put puts cut cuts hit hits beat beats bought buys buy
    sold sells sell paid pays pay built builds build fell falls fall rose rises rise drew draws draw broke breaks
    break began begins begin became becomes become spoke speaks speak wrote writes write read reads stood stands stand
    sat sits fought fights fight faces face struck strikes strike shot shoots shut shuts spent spends spend brought
    brings bring thought thinks think taught caught catches catch sought seeks seek felt feels feel knew knows know
    grew grows grow threw throws throw flew flies fly drove drives drive rode rides ride chose chooses choose swore
    swears wore wears hid hides bid bids lay lies lie laid lays lit slid shook woke wakes ate eats drank drinks sang
    sings sank sinks swam swims rang rings swung dealt deals deal meant means mean burst bursts cost costs hurt hurts
    let lets quit quits split splits spread spreads upset tore tears understood forgot forgave froze stole steals
    withdrew withdraws overcame overtook underwent undergoes broadcast cast casts forecast shed sheds wed weds seem
    seems appear appears remain remains show shows shown need needs want wants plan plans hope hopes call calls look
    looks work works live lives play plays move moves turn turns open opens close closes launch launches reach reaches
    score scores sign signs join joins urge urges warn warns claim claims deny denies admit admits agree agrees accuse
    accuses reveal reveals report reports confirm confirms announce announces ask asks help helps use uses offer
    offers back backs vote votes cancel plead pleads seal seals end ends start starts stop stops continue continues
    return returns save saves kill kills die dies dead suffer suffers escape escapes survive survives allow allows
    believe believes consider considers expect expects include includes raise raises rank ranks earn earns host hosts
    visit visits mark marks celebrate celebrates boast boasts defend defends attack attacks criticise criticises slam
    slams sue sues arrest try tries pass passes stretch stretches distort distorts supply supplies range ranges define
    defines require requires head heads kick kicks nurse nurses attribute attributes credit credits employ employs focus
    focuses involve involves crowd crowds support supports oppose opposes express expresses super-imposes carry carries
    cover covers provide provides rate rates control controls own owns represent represents
    constitute constitutes contain contains depend depends describe describes feature features form forms highlight
    highlights outline outlines outsold present presents suspect suspects
    """.split()
)
# Words and signs that cannot end a sentence.
_OPEN_END = re.compile(
    r"\b(?:a|an|the|of|and|or|but|than|because|while|if|from|with|into|after|his|her|their|its|my|our|your|which|where"
    r"|who|whose)\W*$"
    r"|\s[-–—]+\s*(?:\w+\W*)?$|[-–—]\W*$",
    re.I,
)
_DETERMINERS = frozenset("a an the this that these those his her its their our my your no".split())
# "It's" has a verb, "the mayor's" has none.
_BEFORE_IS = frozenset(
    "it he she that there here who what where everyone everybody nobody this everything nothing".split()
)
_UNITS = frozenset(
    "years months weeks days hours minutes seconds miles metres meters kilometres pounds dollars euros".split()
)
_VERB_ENDING = re.compile(r"[a-z]{2,}[^su'’]s$")


def is_fragment(sentence: str) -> bool:
    """Whether this is not a complete sentence: no full stop or verb, too short, a caption, byline or list number."""
    text = sentence.strip()
    if (
        len(text) > MAX_CHARACTERS
        or not is_complete(text)
        or text.endswith(("…", "..."))
        or word_count(text) < _MIN_WORDS
    ):
        return True
    if (
        _LISTED.match(text)
        or not has_words(text)
        or _BY_LINE.match(text)
        or _LIST_NUMBER.fullmatch(text)
        or _OPEN_END.search(text)
    ):
        return True
    if (text[:1].islower() and not text[1:2].isupper()) or text[:1] in ",;:.()]-–—":
        return True
    if (
        _REPETITION.search(text)
        or _LABELLED.match(text)
        or CAPTION_LABEL.match(text)
        or _CLOSED_QUOTATION.match(text)
        or _NO_SUBJECT.match(text)
        or _NO_ARTICLE.match(text)
        or any(fold(match[1]) in ordinary_words() for match in _STOP.finditer(text))
        or _OPEN_QUOTATION.search(text)
        or _PICTURED.search(text)
        or _PIECE.match(text)
        or _RUN_ON.search(text)
        or _repeats(text)
    ):
        return True
    if text.count("(") != text.count(")") or text.count("“") != text.count("”") or text.count('"') % 2:
        return True
    caption = _CAPTION.match(text)
    return not _has_verb(text) or bool(caption and not _has_verb(caption[1], short_words=0))


def _has_verb(text: str, *, short_words: int = _SHORT_WORDS) -> bool:
    """Whether a text has a finite verb, other than as its first word.

    In a text of more than `short_words` words, the ending "-s" alone does not make a word a verb.
    """
    words = [match.group() for match in _WORD.finditer(text)]
    if any(word.endswith(("'s", "’s")) and fold(word)[:-2] in _BEFORE_IS for word in words):
        return True
    is_long = len(words) > short_words
    return any(
        # "Documentary set to open" is a headline, "on show" has no verb.
        (
            fold(word) in _VERBS
            and fold(words[index - 1]) != "on"
            and not (fold(word) == "set" and words[index + 1 : index + 2] == ["to"])
        )
        # "The injured" has no verb, and "a father killed by an officer" neither.
        or (
            word.endswith("ed")
            and fold(words[index - 1]) not in _DETERMINERS
            and words[index + 1 : index + 2] != ["by"]
        )
        # "trucks" looks like "barks"; a long sentence without any other verb is a caption.
        or (
            _VERB_ENDING.search(word)
            and word not in _UNITS
            and index < len(words) - 1
            and (not is_long or word.endswith(("izes", "ifies")) or fold(words[index + 1]) in _DETERMINERS)
        )
        or word.endswith(("n't", "n’t", "'ve", "'re"))
        for index, word in enumerate(words)
        if index > 0
    )


def _repeats(text: str) -> bool:
    """Whether a sentence repeats five words: "the mayor has said it was late, the mayor has said it"."""
    words = [fold(match.group()) for match in _WORD.finditer(text)]
    runs = [tuple(words[start : start + 5]) for start in range(len(words) - 4)]
    return len(set(runs)) < len(runs)


def opening_pronoun(sentence: str) -> str:
    """The pronoun at the start of a sentence, in lower case; empty if there is none with an antecedent."""
    match = _OPENING_PRONOUN.match(sentence)
    if match:
        return match.group(1).casefold()
    return "it" if _IT_IS_ONE.match(sentence) else ""


def opens_loosely(sentence: str) -> bool:
    """Whether a sentence opens with a reference back, or uses the first or second person outside quotations."""
    spoken = _QUOTED.sub(" “” ", sentence)
    start = spoken.lstrip(" “”\"'‘’")
    return bool(
        _POINTING_START.match(start) or _IT_IS_ONE.match(start) or _FIRST_PERSON.search(_AS_KNOWN.sub(" ", spoken))
    )


def points_back(sentence: str, before: str = "") -> bool:
    """Whether a sentence has a reference that a reader who has seen only `before` cannot resolve."""
    spoken = _QUOTED.sub(" “” ", sentence)
    start = spoken.lstrip(" “”\"'‘’")
    if not before and (_POINTING_START.match(start) or _IT_IS_ONE.match(start) or _ADDED.search(start)):
        return True
    if any(opening.match(start) for opening in (_CONJUNCTION, _ANSWER, _COMMENT, _PRESENTED)):
        return True
    if _SHARE_OF_WHOM.match(start) and not _SURVEY.search(before):
        return True
    for match in _BARE_NOUN.finditer(spoken):
        if not re.search(
            rf"[A-Z][\w'’-]+ {match.group(1)}\b|{match.group(1)} (?:of|for)\b", f"{before} {spoken[: match.start()]}"
        ):
            return True
    for match in (*_THAT_NOUN.finditer(spoken), *_SUCH.finditer(spoken)):
        noun = next(filter(None, match.groups()))
        if not re.search(rf"\b{re.escape(noun[:4])}", f"{before} {spoken[: match.start()]}", re.I):
            return True
    demonym = _BARE_DEMONYM.search(spoken)
    if demonym and not _names_somebody(f"{before} {spoken[: demonym.start()]}"):
        return True
    if not before:
        if _BARE_THIS.search(spoken):
            return True
        for match in _POINTING_NOUN.finditer(spoken):
            noun = match.group(1)
            if match.group().casefold().startswith("those") and noun.endswith(("ed", "ing")):
                continue  # "those involved"
            if noun not in ("who", "as", "of", "in", "with", "a", "an", "to", "that") and not re.search(
                rf"\b{re.escape(noun[:4])}", spoken[: match.start()]
            ):
                return True
    return _has_loose_pronoun(spoken, before)


def _has_loose_pronoun(spoken: str, before: str) -> bool:
    if _FIRST_PERSON.search(spoken) or (not before and _LATE_SUBJECT.match(spoken)):
        return True
    for match in _WORD.finditer(spoken):
        word = fold(match.group())
        # The name may follow: "Before she left, Ida Fenn said".
        if (
            word in _PERSONAL
            and not _names_somebody(f"{before} {spoken[: match.start()]}")
            and not _NAME_FOLLOWS.search(spoken, match.end())
        ):
            return True
        is_early = match.start() > 0 and len(_WORD.findall(spoken[: match.start()])) < 2
        if word in _GROUP and is_early and not before and not _SUBJECT_FOLLOWS.match(spoken):
            return True
    return False


def _names_somebody(text: str) -> bool:
    if _PERSON.search(text):
        return True
    words = [match.group() for match in _WORD.finditer(text)]
    return any(
        word[0].isupper()
        and not is_place(fold(word))
        and (index > 0 or not (fold(word) in ordinary_words() or word.endswith("ing")))
        for index, word in enumerate(words)
    )
