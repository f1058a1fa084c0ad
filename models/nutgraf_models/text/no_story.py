"""Detection of pages without a story: paywalls, log-ins, captchas, errors and the like.

A sentence or line belongs to the page if it contains a phrase typical of such pages, and either addresses the reader
("you", "please", an imperative) or is a label of a few words, and is not reported speech. A text is no story if such
lines have more words than its other complete sentences. Newspapers also write about passwords and cookies, but they do
not address the reader, and not for half of a text.
"""

import re

from nutgraf_models.text.boilerplate_lines import is_boilerplate
from nutgraf_models.text.notices import REPORTED_SPEECH
from nutgraf_models.text.sentences import split, word_count

_LOG_IN = (
    r"(?:log(?:ged|ging)?|sign(?:ed|ing)?)[ -]?(?:in|on)\b",
    r"your (?:password|user ?name|account|e-?mail(?: address)?|credentials|session|subscription|membership)\b",
    r"(?:forg(?:ot|otten)|reset) (?:your |my )?(?:password|username)",
    r"(?:create|register|open) (?:an|your|a free) account",
    r"have an account|remember me|keep me (?:signed|logged) in",
)
_PAY = (
    r"subscri(?:be|bers?|ption|ptions)\b|become a (?:member|supporter)|your (?:plan|card)\b|paywall|articles? left\b",
    r"(?:free|unlimited|full|digital|premium|all[- ]access|complete) (?:\w+ )?(?:access|articles?|trial|membership)\b",
    r"(?:continue|keep|finish) reading|read the full|read this (?:article|story)|cancel (?:at )?any ?time",
    r"a (?:week|month) for|(?:for|from|just|only) (?:[£$€]|rs )\d",
)
_ROBOTS = (
    r"(?:not|be|are you) a (?:ro)?bot\b|captcha|you(?:['’]re| are) (?:a )?human|human verification|characters you see",
    r"security (?:check|service)|unusual (?:traffic|activity)|checking (?:your|the) (?:browser|connection)",
    r"automated (?:requests|access|traffic|tools|programs)|complete the (?:check|action|challenge)",
    r"(?:press|click) (?:and|&) hold|ray id|ddos|cloudflare|reference (?:id|number|#)|ip address",
    r"your (?:network|request)\b|(?:please |just )(?:wait|a moment)",
)
_LOST = (
    r"(?:error|http|status)(?: code)? \d{3}\b",
    r"(?:40\d|410|429|451|50\d) (?:not|error|page|forbidden|un|bad|serv|gate|too)",
    r"^(?:40\d|50\d)$|410 gone|page (?:is )?(?:not found|unavailable|missing)|not found|nothing (?:was )?found",
    r"(?:can(?:not|['’]t| not)|could(?: not|n['’]t)) (?:be )?(?:find|found|reached|displayed|loaded|opened)",
    r"unable to (?:find|load|access)|currently unavailable|no longer (?:exists?|available)|does(?: not|n['’]t) exist",
    r"(?:been|was) (?:permanently )?(?:moved|removed|deleted|renamed|archived)",
    r"(?:web )?address|the (?:link|page)\b|(?:the|requested) url\b|broken link|mistyped|home ?page|went wrong|oops",
    r"sorry|try (?:again|searching)|go back|use the search|search (?:our|the) site|report (?:this|a) (?:problem|error)",
    r"contact (?:us|support|the (?:site )?(?:admin|owner))",
)
_REFUSED = (
    r"access (?:to this \w+ )?(?:is |has been |was )?(?:denied|forbidden|restricted|blocked)|permission to|forbidden",
    r"unauthori[sz]ed|(?:internal|proxy) (?:server )?error|bad gateway|gateway time-?out|maintenance|blocked\b",
    r"service (?:is )?(?:temporarily )?unavailable|temporarily (?:unavailable|down|closed)|be back (?:soon|shortly)",
    r"not available in your|your (?:country|region)|legal reasons|gdpr|european (?:economic area|union)",
    r"(?:too many|rate) (?:requests|limit)",
)
_CONSENT = (
    r"cookies?\b|your (?:privacy|consent|data)\b|(?:our|\d+) partners|privacy policy|terms of (?:use|service)",
    r"legitimate interest|(?:accept|reject|allow) all|personali[sz]ed? (?:ads|content|advertising)",
    r"store and(?:/or)? access|java ?script|(?:your|this|a|modern|another) browser|ad ?-?block|whitelist",
    r"turn (?:on|off)|enable\b|disable\b|(?:confirm|verify|enter) your (?:age|date of birth|identity)",
    r"(?:over|under) 18|18 (?:years )?(?:or|and) (?:over|older)|newsletters?\b|notifications?\b",
)
_PHRASE = re.compile(r"\b(?:" + "|".join((*_LOG_IN, *_PAY, *_ROBOTS, *_LOST, *_REFUSED, *_CONSENT)) + r")", re.I)
_TO_THE_READER = re.compile(
    r"\b(?:you|your|yours|yourself|we|our|us|please|my|me)\b"
    r"|\bthis (?:page|site|website|server|content|feature|browser|article|story)\b"
    r"|\brequested (?:url|page|resource)\b"
    r"|^\W*(?:accept|allow|buy|cancel|check|choose|click|complete|confirm|contact|continue|create|disable|enable|enter|"
    r"forgot(?:ten)?|get|go|join|keep|log|manage|press|prove|refresh|register|reject|reload|remember|return|select|"
    r"sign|start|subscribe|support|tick|try|turn|unlock|update|use|verify|view|visit|wait)\b",
    re.I,
)
_QUOTATION = re.compile(r"(?<!\w)[\"“‘'`](?!https?:)|”")
_LABEL_WORDS = 8
_SENTENCE_WORDS = 6


def is_no_story(text: str) -> bool:
    """Whether a text is a page without a story."""
    if not _PHRASE.search(text):
        return False
    of_page = of_story = 0
    for sentence in split(text):
        words = word_count(sentence.text)
        reported = REPORTED_SPEECH.search(sentence.text) is not None or _QUOTATION.search(sentence.text) is not None
        to_reader = not reported and _TO_THE_READER.search(sentence.text) is not None
        if (to_reader or (words <= _LABEL_WORDS and not reported)) and _PHRASE.search(sentence.text):
            of_page += words
        # Other text that addresses the reader counts for neither side.
        elif words >= _SENTENCE_WORDS and sentence.is_complete and not to_reader and not is_boilerplate(sentence.text):
            of_story += words
    return of_page > of_story
