"""Patterns of boilerplate lines around a story: credits, video players, links, and the site's own messages.

Each pattern must match a whole line and be certain: a missed line is seldom a sentence and does little harm, while a
false match removes part of a story.
"""

import re

from nutgraf_models.text.notices import NETWORKS, is_call
from nutgraf_models.text.ordinary_words import ordinary_words
from nutgraf_models.text.sentences import is_complete, word_count

_MAX_WORDS = 90
LINK_WORDS = 16

_AGENCIES = (
    "(?:Getty(?: Images)?|AP(?: Photo)?|(?:Australian )?Associated Press|AFP|Reuters|EPA|PA(?: Wire| Media)?|"
    "Press Association|Shutterstock|Alamy|iStock|Rex(?: Features)?|Xinhua|PTI|ANI|Bloomberg|SWNS|Unsplash|Handout)"
)
_WORD = r"[A-Z][\w.'’-]*"
_NAME = rf"{_WORD},?"
_NAMES = rf"(?:{_NAME}|and|for|in|of|the|at|de|la|van|von|der|den|&|\||[-–—/])"
_POST = r"(?i:correspondent|editor|reporter|writer|columnist|producer|analyst|presenter)"
_TIME = r"\d{1,2}[:.]\d\d(?:\s?[ap]\.?m\.?)?(?:\s?(?:gmt|utc|bst|ist|cest|cet|aest|aedt|[ecmp][sd]?t))?"
_DATE = (
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?"
    r"(?:\d{1,2}(?:st|nd|rd|th)? [a-z]{3,9},?|[a-z]{3,9}\.? \d{1,2},?) (?:19|20)\d\d"
)

# Headings of link lists, and openings of links. Links end without a full stop, except "Read more: ...".
_HEADING = (
    r"(?:read (?:more|next|also)|see also|also read|more on this (?:story|topic)|more (?:from .{1,40}|stories|news)|"
    r"related(?: (?:articles|stories|topics|content|links|news|coverage|reading))?|recommended(?: .{1,20})?|"
    r"you (?:may|might) also like|don['’]t miss|what to read next|most (?:read|popular|viewed|shared)|top stories|"
    r"trending(?: now)?|editors?['’]?s? picks|elsewhere on .{1,40}|around the web|from our partners|"
    r"(?:related )?internet links)"
)
LIST_HEADING = re.compile(rf"{_HEADING}\W*", re.I)
_LINK = re.compile(
    rf"(?:{_HEADING}(?= ?[:|]|\W*$)|read (?:more|on|next|also|the full|related)|"
    r"continue reading|find out more|learn more|"
    r"(?:see |get )more(?: (?:news|stories|updates|information))? (?:on|from|about|for) \w+|"
    r"(?:for )?more(?: (?:news|stories|updates))? (?:on|from|about) "
    r"(?:this|these|our|across|(?-i:[A-Z])|the .{1,30} website)|"
    r"(?:live |latest )?updates on this story|live updates|full (?:story|coverage)(?= ?:|\W*$)|live: read|"
    r"watch(?= ?:| (?:live|now|again|here|key|highlights|the (?:video|moment|full))\b)|"
    r"listen(?= ?:| (?:live|now|again|here|to)\b)|(?:in (?:pictures|video)|gallery)(?= ?:|\W*$)|back to top|"
    r"(?:skip|jump) to (?:\w+ )?(?:content|navigation|comments|menu)|(?:next|previous) article|"
    r"(?:view|show) (?:all|more)(?: \d+)?(?: (?:comments|photos|images|pictures|stories))?(?=\W*$))(?!\w)(?P<rest>.*)",
    re.I,
)
_CREDITS = (
    r"\(?(?:with |additional |further )?reporting by\b.*",
    r"\(?(?:edited|compiled|editing|written|translated) by\b.*(?<![.!?])\)?",
    r".{3,160} contributed (?:reporting )?to this (?:report|story|article)\.?",
    r"(?:match )?report supplied by\b.{1,60}",
    rf"(?-i:(?:Analysis|Comment|Opinion|By)? ?[:–—-]? ?{_WORD}(?: {_WORD}){{1,2}}(?:,| [–—|-]) "
    rf"(?:[\w'’&-]+ ){{0,4}}{_POST}(?:,? [A-Z][\w ]{{1,30}})?)(?<![.!?])",
    # dates
    r"(?:first |last )?(?:published|updated|modified|posted|created)(?: on| at)?\b:?"
    r"\s*(?=\D{0,20}\d).{1,70}(?<![.!?])",
    rf"{_DATE}(?:[ ,|-]+{_TIME})?(?: last updated.{{0,40}})?",
    rf"(?:last updated(?: at)? )?{_TIME}",
    r"\d{1,2} (?:minutes?|mins?|hours?|days?) ago",
    r"\d{1,3} min(?:ute)?s? read",
)
_PICTURES = (
    r"(?:photo(?:graph)?|image|picture|video|illustration|graphic)s?(?: credit| source)?\s*(?::|©).*",
    r"(?:credit|source|caption)\s*:.*(?<![.!?])",
    r"(?:image|media|video|picture) (?:copyright|caption|source|credit)\b.*",
    rf"(?-i:\(?(?:Photo(?:graph)?|Picture|Image)s? (?:by|via|courtesy of) {_NAMES}(?:\s+{_NAMES}){{0,7}}\)?)",
    rf"(?-i:{_NAME}(?: {_NAME}){{0,4}}\s?/\s?{_AGENCIES}(?:\s?/.{{1,30}})?|\(?{_AGENCIES}\)?)",
    r"\((?:(?-i:[A-Z]{2,6})|file|representational|stock)(?: file)? ?(?:photo|picture|image|file)\)",
    r"(?:pictured|inset|caption|above|main (?:image|picture))(?: (?:left|right|above|below))?\s?:.{1,250}",
    r"file\s?[-–—]{1,2}\s.+",
    r"(?:file|stock|handout|library|archive) (?:photo(?:graph)?|image|picture|pic|footage)s?\b.{0,120}(?<![.!?])",
    # captions that end with a picture credit; not "... he said. (AFP)"
    r".{3,250}(?:[.!?][\"”'’)]?|[(\[|])\s?(?:photo(?:graph)?|image|picture|pic|credit)s?(?: credit| by"
    r"| courtesy(?: of)?)?\s?[:/] ?(?-i:[A-Z])[^.!?]{1,60}",
    rf".{{3,250}}(?-i:[(\[](?:[^()\[\]]{{2,60}}/ ?{_AGENCIES}|{_AGENCIES} ?/[^()\[\]]{{2,60}}|Getty Images)[)\]])",
)
_PLAYERS = (
    r"media playback is (?:not |un)supported.*",
    r"this (?:video|audio|content|clip|site) (?:can ?not be (?:played|shown|displayed)|will not (?:work|play|load)"
    r"|is (?:not|no longer) (?:available|supported)|isn['’]t (?:available|supported)|is optimised for).{0,140}",
    r"the (?:video|audio|media|content) could not be loaded.{0,80}",
    r"(?:to (?:play|use|view) this|most computers will open) "
    r".{0,80}\b(?:javascript|browser|flash|player|device|reader)\b.*",
    r"(?:please )?(?:enable|turn on) javascript.*",
    r"your browser does(?: not|n['’]t) (?:fully )?support .{1,80}",
    r"(?:loading|skip ad|unmute|play video|(?:video|audio) player|download the reader here)\W*",
)
_SITE = (
    r"(?:(?:\d+|view|show|leave a|post a|add a|no) )?comments?(?: \(\d+\)| are closed\.?)?",
    r"(?:we are not currently accepting|sorry, we are no longer accepting) comments.{0,60}",
    rf"share(?: this(?: \w+)?|(?: this \w+)? (?:on|via|to) {NETWORKS}\b.{{0,60}}|(?: {NETWORKS})+"
    r"|(?: this)? with (?:your )?friends?)?\W*",
    rf"(?:(?:share|tweet|pin|post|e-?mail|print|save|copy(?: link)?|{NETWORKS})\W*){{2,}}",
    r"(?:tweet|e-?mail|print|copy link|bookmark|listen to this article)",
    r"(?:we|this (?:web)?site|our (?:web)?site|our partners)\b.{0,60}\buses? cookies\b.*",
    r"(?:we and our|our) \d* ?partners\b.{0,200}\b(?:cookies|data|device)\b.*",
    r"by (?:continuing|using|clicking|browsing)\b.{0,160}\b(?:agree|accept|consent)\b.*",
    r"(?:accept|reject|allow|manage|decline)(?: (?:all|your|our|the))*"
    r"(?: (?:cookies|preferences|settings|options|and continue))?",
    r"(?:cookies?|privacy|terms)(?: (?:policy|notice|settings|preferences|of (?:use|service)|(?:and|&) conditions))+"
    r"(?:\W+.{0,60})?(?<![.!?])",
    r"(?:advertisement|advertising|advert|(?:sponsored|promoted|paid)(?: content)?"
    r"|supported by (?-i:[A-Z])[\w &'’-]{1,40})",
    r"(?:story|article) continues (?:below|after)\b.*",
    r"(?:©|\(c\)|copyright (?:©|\(c\)|\d{4})).*",
    r".{0,60}\ball rights reserved\b.{0,20}",
    r"this (?:material|story|article|content) (?:may not be|must not be) .{0,160}",
)
_BOILERPLATE = re.compile("|".join((*_CREDITS, *_PICTURES, *_PLAYERS, *_SITE)), re.I)
_BYLINE = re.compile(
    rf"(?:By|BY)\s+(?P<names>(?!The\b){_NAMES}(?:\s+{_NAMES}){{0,9}}(?<![.!?])"
    rf"|{_NAME}(?: {_NAME}){{1,4}}[^.!?]{{0,40}}\b{_POST}\b[^.!?]{{0,40}})"
)
# Words after "By" that are not authors: "By Royal Appointment".
_NOT_AUTHORS = frozenset(
    "accident air all any appointment bus chance decree default degrees design god grand hand heart hook invitation "
    "land law means nature night now numbers order popular post proxy rail request right river road royal sea special "
    "stealth train virtue water".split()
)
_ORDINARY = re.compile(r"(?:ing|ed|ly|ness|ment|tion|able|ous|ful|less)$")
# Phrases that video players insert; removed anywhere in a line.
PLAYER_PHRASE = re.compile(
    r"media playback is (?:not supported|unsupported) on (?:this|your) device\.?"
    r"|scroll down for (?:the |more )?(?:videos?|pictures|photos|footage)\b(?-i:(?=\s?(?:$|[^a-z\s])))(?:\s?[.…]+)?",
    re.I,
)
# On the line of the first sentence: "By. Ida Fenn. PUBLISHED:. 10:32 EST, 3 May 2015. |. UPDATED:. ..."
_STAMP = (
    r"(?:(?:first |last )?(?:published|updated|created|modified)\s?:|last updated(?: at)?)[\s.]{0,4}"
    rf"(?:{_TIME}\s?,?\s?(?:on )?)?{_DATE}[\s.|]{{0,8}}"
)
HEADER = re.compile(
    r"(?:by ?\. ?[^.\n]{2,60}\.\s?(?:and ?\.? ?[^.\n]{2,60}\.\s?)?"
    rf"|by [^.\n]{{2,60}}\.?\s?(?={_STAMP}))?(?:{_STAMP}){{0,2}}",
    re.I,
)


def is_boilerplate(line: str) -> bool:
    """Whether a line is boilerplate, rather than part of a story."""
    line = line.strip(" \t*•·»>|▶►-–—#")
    words = word_count(line) if len(line) <= 8 * _MAX_WORDS else _MAX_WORDS + 1
    if not line or words > _MAX_WORDS:
        return False
    link = _LINK.fullmatch(line)
    if link and words <= LINK_WORDS + 4 and (":" in link["rest"][:3] or not is_complete(line)):
        return True
    return _BOILERPLATE.fullmatch(line) is not None or is_call(line) or _is_byline(line)


def _is_byline(line: str) -> bool:
    match = _BYLINE.fullmatch(line)
    if match is None:
        return False
    words = [word for word in re.findall(r"[^\W\d_]+", match["names"].casefold()) if len(word) > 1]
    has_no_author = not words or words[0] in _NOT_AUTHORS
    return not has_no_author and not all(word in ordinary_words() or _ORDINARY.search(word) for word in words)
