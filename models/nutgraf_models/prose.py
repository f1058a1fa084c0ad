"""What of a text is the story: lines that pages put around it, and texts that are no prose at all.

A line is judged as a whole, never a sentence inside a paragraph: what is dropped must be sure to be no part of a story.
"""

import re
from collections.abc import Iterable, Sequence

from nutgraf_models.sentences import Sentence, is_complete, word_count

_MOST_WORDS = 90
_LINK_WORDS = 16

_NETWORKS = (
    "(?:twitter|facebook|instagram|x|youtube|whatsapp|telegram|tiktok|linkedin|pinterest|reddit|snapchat|messenger)"
)
_AGENCIES = "(?:Getty(?: Images)?|AP(?: Photo)?|AFP|Reuters|EPA|PA(?: Wire| Media)?|Shutterstock|Alamy|iStock)"
_NAME = r"[A-Z][\w.'’-]*,?"
_NAMES = rf"(?:{_NAME}|and|for|in|of|the|at|de|la|van|von|der|den|&|\||[-–—/])"

# What a list of links is headed by, or a link begins with. These end without a full stop, but for "Read more: ...".
_HEADING = (
    r"(?:read (?:more|next|also)|see also|also read|more on this (?:story|topic)|more (?:from .{1,40}|stories|news)|"
    r"related(?: (?:articles|stories|topics|content|links|news|coverage|reading))?|recommended(?: .{1,20})?|"
    r"you (?:may|might) also like|don['’]t miss|what to read next|most (?:read|popular|viewed)|top stories|"
    r"trending(?: now)?|editors?['’]?s? picks|elsewhere on .{1,40}|around the web)"
)
_LIST_HEADING = re.compile(rf"{_HEADING}\W*", re.I)
_LINK = re.compile(
    rf"(?:{_HEADING}|read (?:on|the full|related)|more (?:on|from|about) \w|watch(?: (?:live|now|again))?|"
    r"listen(?: (?:live|now|again|to))?|in (?:pictures|video)|gallery|live updates|find out more|learn more|"
    r"continue reading|back to top|skip to|jump to|view (?:all|more|comments|gallery)|show (?:more|comments)|"
    r"(?:next|previous) article)\b(?P<rest>.*)",
    re.I,
)
_BOILERPLATE = re.compile(
    "|".join(
        [
            # who wrote it, and when
            rf"(?-i:(?:By|BY)\s+(?!The\b){_NAMES}(?:\s+{_NAMES}){{0,9}})(?<![.!?])",
            r"\(?(?:with |additional |further )?reporting by\b.*",
            r"\(?(?:edited|compiled|editing|written) by\b.*(?<![.!?])\)?",
            r".{3,80} contributed (?:reporting )?to this (?:report|story|article)\.?",
            r"(?:match )?report supplied by\b.{1,60}",
            r"(?:first |last )?(?:published|updated|modified|posted|created)(?: on| at)?\b:?"
            r"\s*(?=\D{0,20}\d).{1,70}(?<![.!?])",
            r"\d{1,2} (?-i:[A-Z])[a-z]{2,8} (?:19|20)\d\d(?:[ ,|-]+\d{1,2}[:.]\d\d.{0,12})?",
            r"\d{1,2} (?:minutes?|mins?|hours?|days?) ago",
            r"\d{1,3} min(?:ute)?s? read",
            # pictures and players
            r"(?:photo(?:graph)?|image|picture|video|illustration|graphic)s?(?: credit| source)?\s*(?::|©).*",
            r"(?:credit|source|caption)\s*:.*(?<![.!?])",
            r"(?:image|media|video|picture) (?:copyright|caption|source|credit)\b.*",
            rf"(?-i:\(?(?:Photo(?:graph)?|Picture|Image)s? (?:by|via|courtesy of) {_NAMES}(?:\s+{_NAMES}){{0,7}}\)?)",
            rf"(?-i:{_NAME}(?: {_NAME}){{0,4}}\s?/\s?{_AGENCIES}(?:\s?/.{{1,30}})?|\(?{_AGENCIES}\)?)",
            r"media playback is (?:not |un)supported.*",
            r"(?:this|the) (?:video|audio|content|clip) "
            r"(?:can ?not|will not|is not|is no longer|could not|isn['’]t).{1,90}",
            r"to (?:play|use|view) this .{0,80}\b(?:javascript|browser|flash|player|device)\b.*",
            r"(?:please )?(?:enable|turn on) javascript.*",
            r"loading\W*",
            # calls to the reader
            r"(?:please )?(?:sign up|subscribe|register)\b.{0,160}"
            r"\b(?:newsletters?|inbox|e-?mails?|updates|alerts|free|today|now|here|offer|access|account)\b.{0,60}",
            r"(?:subscribe|sign in|log in|sign up|register|donate)(?: now| today)?\W*",
            r"(?:get|receive) .{0,120}\b(?:to|in) your inbox\b.*",
            rf"(?:follow|like|join) .{{1,60}} on {_NETWORKS}\b.*",
            r"(?:find all|for) the latest\b.{1,80}\b(?:on our|visit|follow|click|go to)\b.*",
            r"(?:download|get) (?:our|the) .{0,40}\bapps?\b.{0,60}",
            r"(?:click|tap|scroll) (?:here|to|down|for)\b.*",
            r"(?:have|are|were|did|do) you .{5,120}\?.{0,80}"
            r"\b(?:e-?mail|contact|get in touch|let us know|comments?)\b.*",
            r"(?:e-?mail|contact|write to) (?:us|the (?:author|newsroom|editor)).{0,120}",
            r"(?:let us know|tell us what you think|have your say|join the (?:conversation|discussion|debate))\b.*",
            r"(?:(?:\d+|view|show|leave a|post a|add a|no) )?comments?(?: \(\d+\)| are closed\.?)?",
            # sharing
            rf"share(?: (?:this|on|via|with|to)\b.{{0,60}}|(?: {_NETWORKS})+)?(?<![.!?])",
            rf"(?:(?:share|tweet|pin|post|e-?mail|print|save|copy(?: link)?|{_NETWORKS})\W*){{2,}}",
            r"(?:tweet|e-?mail|print|copy link)",
            # the site
            r"(?:we|this (?:web)?site|our (?:web)?site|our partners)\b.{0,60}\buses? cookies\b.*",
            r"(?:we and our|our) \d* ?partners\b.{0,200}\b(?:cookies|data|device)\b.*",
            r"by (?:continuing|using|clicking|browsing)\b.{0,160}\b(?:agree|accept|consent)\b.*",
            r"(?:accept|reject|allow|manage|decline)(?: (?:all|your|our|the))*"
            r"(?: (?:cookies|preferences|settings|options|and continue))?",
            r"(?:cookies?|privacy|terms)"
            r"(?: (?:policy|notice|settings|preferences|of (?:use|service)|(?:and|&) conditions))+"
            r"(?:\W+.{0,60})?(?<![.!?])",
            r"(?:advertisement|advertising|advert|(?:sponsored|promoted|paid)(?: content)?|supported by.{0,40})",
            r"(?:story|article) continues (?:below|after)\b.*",
            r"(?:©|\(c\)|copyright (?:©|\(c\)|\d{4})).*",
            r".{0,60}\ball rights reserved\b.{0,20}",
            r"this (?:material|story|article|content) (?:may not be|must not be) .{0,160}",
        ]
    ),
    re.I,
)
_LINE = re.compile(r"[^\n]+")
_CODE = re.compile(r"[{}=<>|\\\[\]_]|;$|\w\(|://")
_NUMBER = re.compile(r"(?<!\S)\d\S*")


def is_boilerplate(line: str) -> bool:
    """Whether a line is something that pages put around a story."""
    line = line.strip(" \t*•·»>|▶►-–—#")
    if not line or len(line) > 8 * _MOST_WORDS or word_count(line) > _MOST_WORDS:
        return False
    link = _LINK.fullmatch(line)
    if link and word_count(line) <= _LINK_WORDS + 4 and (":" in link["rest"][:3] or not is_complete(line)):
        return True
    return _BOILERPLATE.fullmatch(line) is not None


def story_lines(text: str) -> list[tuple[int, int]]:
    """Where the lines of the story are; all lines, if none is left without boilerplate."""
    kept = []
    lines = list(_LINE.finditer(text))
    in_list = False
    for line in lines:
        body = line.group().strip()[: 10 * _MOST_WORDS]
        if in_list and not is_complete(body) and word_count(body) <= _LINK_WORDS:
            continue
        in_list = _LIST_HEADING.fullmatch(body) is not None
        if not in_list and not is_boilerplate(body):
            kept.append(line.span())
    return kept or [line.span() for line in lines]


def has_prose(sentences: Iterable[Sentence]) -> bool:
    """Whether there is a sentence in words: no table, code, list of links, or what pages put around a story."""
    return any(sentence.is_complete and _is_prose(sentence.text) for sentence in sentences)


def _is_prose(sentence: str) -> bool:
    if word_count(_NUMBER.sub("", sentence)) < 3 or len(_CODE.findall(sentence)) > 1 or is_boilerplate(sentence):
        return False
    visible: Sequence[str] = [character for character in sentence if not character.isspace()]
    return sum(character.isalpha() for character in visible) > 0.6 * len(visible)
