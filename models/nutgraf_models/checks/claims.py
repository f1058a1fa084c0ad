"""Detection of sentences that claim nothing about their article, and so need no check.

The whole sentence must match, in English. The list is short on purpose: an unchecked false sentence costs more than a
checked harmless one.
"""

import re

# A longer sentence makes a claim as well.
_MAX_CHARACTERS = 160
_WORD = re.compile(r"[^\W\d_]+")

# A yes/no question of one clause, or a question about the future. "Who stole it?" presupposes that it was stolen, and
# "Why did he steal it?" that he did.
_QUESTION = re.compile(
    r"(?:(?:and|but|or|so|then),? )?(?:"
    r"(?:is|are|was|were|do|does|did|has|have|had|will|would|can|could|shall|should|may|might|must)(?![\w'’])"
    r"|(?:what|who|where|when|which)"
    r"(?: (?:is|are|do|does|will|would|can|could|shall|should|may|might|must|next)\b|['’](?:s|ll)\b)"
    r"|what (?:happens|happened|comes next)\b"
    r")(?P<rest>[^?]*)\?+",
    re.I,
)
# A second clause in a question, or an opening such as "Did you know".
_STATES = re.compile(
    r"[,;:()\"“”—–]|\s-\s"
    r"|\b(?:after|although|because|before|despite|given|having|if|since|that|though|when|which|while|who|whose)\b"
    r"|^ (?:you|anyone|anybody) (?:ever |also )?(?:know|hear|heard|believe|realise|realize|notice|guess|imagine)\b",
    re.I,
)

_WHERE = (
    r"(?: (?:here|below|above|online|now|today|for free|at the link|on our (?:web ?)?site"
    r"|in (?:the|our) (?:full )?(?:article|story|report)))*"
)
_PLEASE = r"(?:please )?"
_MORE = r"(?:more|on|the (?:full )?(?:article|story|report)|the rest)"
_NETWORK = r"(?:twitter|facebook|instagram|x|youtube|whatsapp|telegram|tiktok|linkedin|social media)"
_SURE = r"(?:sure|certainly|of course|absolutely|okay|ok|great)(?: thing)?"
_COUNT = r"(?:\d{1,2}|one|two|three|four|five|six|seven|ten)"
_SUMMARY = (
    rf"(?:(?:brief|short|long|concise|quick|main|key|most important|bullet|{_COUNT}|{_COUNT}-\w+) ){{0,4}}"
    r"(?:summary|overview|recap|synopsis|abstract|highlights|takeaways|points|facts)"
    r"(?: (?:of|from|in) (?:the |this |your )?(?:news )?(?:article|text|story|report))?"
)
_NO_CLAIM = re.compile(
    "|".join(
        [
            # calls to the reader
            rf"{_PLEASE}(?:read|see|find out|learn|discover|watch|hear) {_MORE}(?: about (?:it|this))?{_WHERE}",
            rf"(?:continue|keep) reading{_WHERE}",
            rf"(?:for )?(?:more|further) (?:details|information|news)(?: (?:to come|to follow|soon))?{_WHERE}",
            rf"{_PLEASE}(?:click|tap) (?:here|below|(?:on )?the link)(?: (?:to (?:read|see)|for) {_MORE})?{_WHERE}",
            rf"{_PLEASE}(?:subscribe|sign up|register)(?: (?:to|for) (?:our|the) (?:(?:daily|weekly|free|news) )?"
            rf"(?:newsletters?|channel|podcast|alerts))?{_WHERE}",
            rf"{_PLEASE}(?:like|share|follow|comment)(?:,? (?:and )?(?:like|share|follow|comment|subscribe))*"
            rf"(?: (?:us|this (?:article|story|post)))?(?: on {_NETWORK}(?:(?:,|,? and) {_NETWORK})*)?"
            r"(?: for (?:more|updates|more (?:news|updates)))?",
            r"stay tuned(?: for (?:more|updates|more (?:news|updates)))?|watch this space",
            r"(?:let us know|tell us)(?: what you think)?(?: in the comments)?(?: below)?",
            r"(?:leave a comment|share your (?:thoughts|views|opinions?)|join the (?:conversation|discussion))"
            r"(?: in the comments)?(?: below)?",
            r"(?:and )?what do you think(?: about (?:it|this|that))?",
            r"(?:many )?thank(?:s| you)(?: (?:very|so) much)?(?: for (?:reading|watching|listening|your attention))?",
            # greetings
            r"(?:hello|hi|hey|dear|good (?:morning|afternoon|evening|day)|welcome(?: back)?)"
            r"(?:,? (?:there|all|everyone|everybody|friends?|readers?|listeners|viewers|subscribers?))*",
            r"(?:with )?(?:best|kind|warm) (?:regards|wishes)|good ?bye|see you (?:soon|tomorrow|next (?:time|week))",
            r"have a (?:nice|good|great|lovely) (?:day|evening|weekend|week)",
            # remarks of chat models around a summary
            _SURE,
            rf"(?:{_SURE}[,.!]+ )?(?:here(?:['’]s| is| are)|below (?:is|are)|this is) (?:(?:a|an|the|your|my|some) )?"
            rf"{_SUMMARY}{_WHERE}",
            r"(?:i )?hope (?:this|that|it) helps",
            r"let me know if you (?:need|want|would like) (?:anything else|more(?: (?:details|information))?)",
            # headings
            r"what (?:happens next|we know(?: so far)?|you need to know)|why (?:it|this) matters|at a glance",
        ]
    ),
    re.I,
)
# A heading of only these words names a part of the text, and no event.
_HEADINGS = frozenset(
    "abstract analysis article background brief bullet conclusion conclusions context details facts figures findings "
    "further headline headlines highlights history introduction key links long main more notes outlook overview points "
    "recap references related results short sources story summary synopsis takeaway takeaways text timeline title tldr "
    "tl dr top a an and at in of the to".split()
)


def claims_nothing(sentence: str) -> bool:
    """Whether this is a call to the reader, a greeting or a heading such as "Key points", or contains no words."""
    if not any(character.isalnum() for character in sentence):
        return True
    text = " ".join(sentence.split()).strip(" ,.!?…:→»>-–—()[]")
    if len(text) > _MAX_CHARACTERS:
        return False
    if _NO_CLAIM.fullmatch(text):
        return True
    words = [match.group().casefold() for match in _WORD.finditer(text)]
    has_digits = any(character.isdigit() for character in text)
    return not has_digits and not sentence.endswith(".") and _HEADINGS.issuperset(words)


def only_asks(sentence: str) -> bool:
    """Whether this is a plain question: one with a second clause, a "why" or a "how" presupposes a fact."""
    question = _QUESTION.fullmatch(" ".join(sentence.split()))
    return question is not None and len(sentence) <= _MAX_CHARACTERS and not _STATES.search(question["rest"])
