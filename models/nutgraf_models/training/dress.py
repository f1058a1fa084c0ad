"""Augmentation with headlines, datelines, bylines and captions, so that the model learns to ignore them."""

import random

_PLACES = (
    "LONDON", "NEW YORK", "WASHINGTON", "PARIS", "BERLIN", "SYDNEY", "NEW DELHI", "LAGOS", "Belfast", "Cardiff",
    "GLASGOW", "ATLANTA", "Nairobi", "BEIJING", "MOSCOW", "Mumbai", "TORONTO", "Manchester",
)  # fmt: skip
_AGENCIES = ("Reuters", "AP", "AFP", "PA", "PTI", "CNN", "IANS")
_NAMES = ("Sarah Whitcombe", "Tom Adeyemi", "Laura Finch", "Priya Raman", "James Holloway", "Ana Lindqvist")
_LINES = (
    "Image caption The scene on Tuesday afternoon",
    "Media playback is not supported on this device",
    "Getty Images",
    "Scroll down for video",
    "SHARE THIS STORY",
    "Image copyright PA",
    "Advertisement",
    "Published 12 March 2014",
)
# Probabilities of each kind.
_HEADLINE, _DATELINE, _BYLINE, _LINE = 0.5, 0.10, 0.04, 0.10


def dress(article: str, headline: str, seed: str) -> str:
    """Adds such lines to an article at random; deterministic for a seed."""
    rng = random.Random(seed)
    lines = article.split("\n")
    start = rng.random()
    if start < _DATELINE:
        place, agency = rng.choice(_PLACES), rng.choice(_AGENCIES)
        lines[0] = rng.choice((f"{place} ({agency}) - ", f"{place} — ", f"{place}, Nov. 12 - ")) + lines[0]
    elif start < _DATELINE + _BYLINE:
        lines.insert(0, f"By {rng.choice(_NAMES)}{rng.choice((', Staff Writer', '', ' and agencies'))}")
    if rng.random() < _LINE:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(_LINES))
    if headline and rng.random() < _HEADLINE:
        lines.insert(0, headline)
    return "\n".join(lines)
