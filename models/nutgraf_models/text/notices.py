"""Patterns of messages to the reader around a story: calls to sign up, pay or write in, and editorial notes.

Each pattern must match a whole line. A call in reported speech is part of the story.
"""

import re

NETWORKS = (
    "(?:twitter|facebook|instagram|x|youtube|whatsapp|telegram|tiktok|linkedin|pinterest|reddit|snapchat|messenger|"
    "threads|bluesky|mastodon|flipboard)"
)
_ARTICLE = r"(?:article|story|piece|post|column|page|interview|essay|commentary|op-ed|feature|obituary)"
# A report or a review may also be the subject of a story.
_STORY = rf"(?:{_ARTICLE}|report|review)"
_DAY = r"(?:[a-z]{3,9}\.? \d{1,2}(?:,? (?:19|20)\d\d)?|\d{1,2} [a-z]{3,9}(?:,? (?:19|20)\d\d)?)"
_ACCESS = r"(?:unlimited|full|digital|premium|complete)"
_HELP = r"(?:samaritans|befrienders|helplines?|hotlines?|lifeline|action line|crisis text line|childline|988|116 ?123)"

_SIGN_UP = (
    r"(?:please )?(?:sign up|subscribe|register (?:for|to|now|here|today|with))\b.{0,160}"
    r"\b(?:newsletters?|inbox|e-?mails?|updates|alerts|free|today|now|here|offer|access|account)\b.{0,60}",
    r"(?:subscribe|sign in|log in|sign up|register|donate|join us)(?: now| today)?\W*",
    r"(?:get|receive) .{0,120}\b(?:to|in) your (?:inbox|e-?mail)\b.*",
    r"(?:enjoy(?:ing|ed)?|want|like|love|looking for)\b.{0,80}\?.{0,40}"
    r"\b(?:sign up|subscribe|join|register|follow)\b.*",
    r"(?:never|don['’]t) miss .{0,80}\b(?:sign up|subscribe|newsletter|alerts|again)\b.*",
    r"stay (?:informed|up to date|connected|in touch|ahead)\b.{0,100}\b(?:newsletter|subscribe|sign up|app|alerts)\b.*",
    r"our (?:\w+ ){0,2}newsletter\b.{0,120}",
    r"enter your e-?mail(?: address)?\b.{0,120}",
    r"(?:thank you|thanks) for (?:subscribing|signing up|registering|reading)\b.{0,120}",
    r"by (?:signing up|subscribing|registering|submitting|entering your)\b.{0,200}",
    r"(?:download|get) (?:our|the) .{0,40}\bapps?\b.{0,60}",
    r"support (?:our|independent|local|quality) journalism\b.{0,120}",
)
_PAY = (
    r"(?:please )?(?:subscribe|sign up|log in|sign in|register|become a (?:member|subscriber))\b.{0,60}"
    r"\b(?:to (?:continue|keep|read|unlock|view|access|comment)|for (?:full|unlimited) access)\b.{0,80}",
    r"to (?:continue|keep) reading(?: this \w+)?,? "
    r"(?:please|you|sign|log|subscribe|register|try|start|buy|choose|join)\b.{0,120}",
    r"(?:i am )?(?:already|not yet) an? (?:\w+ )?(?:subscriber|member)(?:\W*|\W.{0,30}\b(?:log|sign) in\b.{0,60})",
    r"already (?:subscribed|registered|have an account)\b.{0,80}",
    rf"(?:this|the rest of this|the full) {_STORY} is (?:only |exclusively )?(?:for|available|reserved)\b.{{0,60}}"
    r"\b(?:subscribers|members|customers)\b.{0,60}",
    r"you(?:['’]ve| have) (?:reached|read|used|hit|run out|no|one|\d+)\b"
    r".{0,60}\b(?:free|limit|articles|stories)\b.{0,100}",
    rf"(?:unlock|get|enjoy|start|try) .{{0,60}}"
    rf"\b{_ACCESS} (?:\w+ )?(?:access|subscription|membership|trial)\b.{{0,100}}",
    r"(?:you can )?cancel (?:at )?any ?time\W*",
)
_FOLLOW = (
    rf"(?:you can |please )?(?:follow .{{1,60}}|(?:like|find|join) (?:us|me|him|her|them|the \w+))(?:,| -)?"
    rf" (?:on|via|at) (?:@\w|.{{0,20}}\b{NETWORKS}\b).*",
    r"(?:you can |please )?(?:follow|tweet) @\w.{0,80}",
    r"\S{1,60}@\S{1,60} (?:and|or) follow .*",
    r"join our .{0,40}\b(?:channel|community|group|whatsapp|telegram)\b.{0,80}",
    r"(?:find all|for) the latest\b.{1,80}\b(?:on our|visit|follow|click|go to)\b.*",
    r"(?:(?:to|for) [^,]{1,60}, )?(?:click|tap|scroll) (?:here|to|down|for)\b.{0,160}",
    r"e-?mail to a friend\W*",
)
_WRITE_IN = (
    r"(?:have|are|were|did|do|is|has|what|how)\b.{5,120}\?.{0,60}\b(?:(?:e-?mail|contact|message|write to|tell|send) us"
    r"|e-?mail \S{1,60}@|get in touch|let us know|(?:in|leave) (?:the|a) comments?|have your say|comment below"
    r"|share your (?:story|stories|views?|experiences?|thoughts|photos))\b.*",
    r"(?:e-?mail|contact|write to|message|tell|send) (?:us|the (?:author|newsroom|editor|reporter))\b.{0,120}",
    r"(?:if you have|do you have|got) (?:a |any |more )?(?:news )?(?:story|stories|tips?|information|news)\b.{0,60}"
    r"\b(?:for us|share|e-?mail|contact|call|get in touch)\b.*",
    r"(?:let us know|tell us what you think|have your say|leave a comment)\b.*",
    r"join the (?:conversation|discussion|debate)\b.*",
    rf"(?:if you\b.{{3,160}}|for (?:confidential|more) (?:support|help|information)\b.{{0,40}})"
    rf"\b(?:call|contact|visit|text|ring|phone|speak to|reach|from|via)\b.{{0,60}}\b{_HELP}\b.*",
    r"we (?:apologi[sz]e|regret|are happy to clarify)\b.{0,120}\b(?:error|mistake|clarif\w+)\b.{0,60}",
)
_CALL = re.compile("|".join((*_SIGN_UP, *_PAY, *_FOLLOW, *_WRITE_IN)), re.I)
REPORTED_SPEECH = re.compile(
    r"\b(?:said|says|told|added|asked|warned|according to|announced|urged|advised|police|officers|detectives)\b", re.I
)
# A note's label is followed by a colon, a dash or a date; so "Correction officers" is none.
_LABEL = (
    r"(?:corrections?(?: (?:and|&) clarifications?)?|clarifications?|erratum|corrigendum|editor(?:s['’]?|['’]s|ial)?"
    r" notes?|ed(?:itor)?\.? note|publisher['’]s note|notes? to (?:readers|editors)|readers?['’]?s? note|disclaimer"
    r"|(?-i:FOR THE RECORD|For the Record)|(?:full )?disclosure|(?:content|trigger) warning|spoiler (?:alert|warning))"
)
_CORRECTED = (
    r"(?:to (?:correct|clarify|reflect|remove|include|add|make clear|note|fix|amend|show|say|state|delete)"
    rf"|on (?:\w+day,? )?{_DAY}|at \d|after publication|since (?:it was |its )?(?:first )?publi"
    r"|with (?:additional|new|more|further|a |details|comment))"
)
_AMENDED = r"(?:\w+ )?(?:amended|corrected|updated|clarified|edited|changed|revised|republished)\b.{0,60}"
_NOTES = (
    rf"{_LABEL}(?:\s?[(\[][^)\]]{{1,60}}[)\]])?(?:,? ?(?:on |of )?{_DAY})?\s?(?:[:;|]|[-–—]{{1,2}}\s).*",
    rf"(?:an? )?(?:earlier|previous|original|prior)(?: \w+)? (?:versions?|editions?) of (?:this|our) {_STORY}\b.*",
    r"(?:because of|due to|owing to) an? (?:editing|production|editor['’]s|reporting) error\b.*",
    rf"this {_ARTICLE} (?:was|has been) {_AMENDED}\b{_CORRECTED}.*",
    rf"this (?:report|review) (?:was|has been) {_AMENDED}\bto (?:correct|clarify)\b.*",
    rf"the (?:headline|caption|standfirst|subheading)(?: (?:on|of|to) this {_STORY})? (?:was|has been) {_AMENDED}.*",
    rf"this {_ARTICLE} (?:was|is|has been) (?:first|originally|initially|previously) (?:re)?(?:published|posted)\b.*",
    rf"this {_ARTICLE} (?:first|originally) (?:appeared|ran|aired)\b.*",
    r"this (?:article|story) (?:was|is) (?:re)?published\b.*",
    rf"this {_STORY} is part of (?:our|the|a) .{{0,40}}\b(?:series|project|collaboration|partnership)\b.*",
    rf"this {_ARTICLE} (?:contains|includes) (?:spoilers|affiliate|graphic|distressing|disturbing|descriptions)\b.*",
    rf"warning: (?:this|the) (?:{_STORY}|video|podcast|footage) (?:contains|includes|may)\b.*",
    r"\((?:corrects|refiles|recasts|adds|updates|rewrites|repeats|removes|fixes|clarifies)\b[^()]{3,300}\)\W*",
    rf"\(?this version of (?:the|this) .{{0,60}}{_STORY}\b.{{0,20}}\b(?:corrects|corrected|clarifies|deletes)\b.*",
    r"(?:the )?(?:views|opinions)(?: and (?:views|opinions))? expressed .{0,60}\b(?:are|do not|don['’]t)\b.{0,60}"
    r"\b(?:authors?|writers?|columnists?|contributors?|own|necessarily|solely|those of)\b.*",
    r"about the (?:author|writer|reporter|contributor)s?(?:\s?[:|].*|\W*)",
)
_NOTE = re.compile(rf"(?:[^\w\"“”'‘’]|_){{0,3}}(?:{'|'.join(_NOTES)})", re.I)


def is_call(line: str) -> bool:
    """Whether a line asks the reader to sign up, pay, follow, write in, or call a helpline."""
    return _CALL.fullmatch(line) is not None and not REPORTED_SPEECH.search(line)


def is_note(line: str) -> bool:
    """Whether a line is a correction, an editor's note or the like; if bracketed, up to its end."""
    return _NOTE.fullmatch(line) is not None and not (line.startswith("(") and ")" not in line[-2:])
