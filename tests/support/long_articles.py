"""Long fictional articles, deterministic by seed, with a fact hidden in them."""

import random
from dataclasses import dataclass

LEAD = (
    "The district of Ostvik has published its yearly review of what its towns built, mended and closed. The review "
    "runs to several hundred entries, and the district's clerk, Maud Lindgren, called it a record of ordinary work."
)
FACT = (
    "The mayor of Ostvik, Henrik Sol, was arrested on Friday after auditors found that 31 million crowns had been "
    "stolen from the hospital fund."
)

_PLACES = (
    "Almby", "Brenn", "Corvik", "Dalsund", "Elvar", "Fossby", "Granholm", "Harnes", "Isvik", "Jarlby", "Kolvik",
    "Lunde", "Myrdal", "Norsund", "Oppheim", "Persvik", "Rundby", "Sandnes", "Tornby", "Ulvik", "Vessby", "Wexholm",
)  # fmt: skip
_PEOPLE = (
    "Ada Berg", "Bo Falk", "Carl Dahl", "Dina Moe", "Eva Lund", "Finn Holt", "Gerd Vik", "Hans Ek", "Inga Rask",
    "Jens Boe", "Karin Aas", "Leif Strand", "Marta Ness", "Nils Hage", "Olga Tveit", "Per Solberg", "Ruth Enger",
)  # fmt: skip
_WORKS = (
    "the library", "the footbridge", "the swimming hall", "the bus shelter", "the market square", "the school kitchen",
    "the fire station", "the harbour wall", "the cemetery gate", "the village hall", "the cycle path",
    "the water tower",
)  # fmt: skip
_TEMPLATES = (
    "In {place}, {work} was painted over {number} days by a crew of volunteers.",
    "{person}, who has lived in {place} for {number} years, said that {work} looked much as before.",
    "Visitors to {place} were asked to walk around {work} while the paving was renewed.",
    "The roof of {work} in {place} was cleaned in spring, as it is every {number} years.",
    "A bench was set up beside {work} in {place}, and {person} planted {number} roses there.",
    "{person} of {place} kept the keys of {work} and opened it on {number} mornings.",
    "The heating of {work} in {place} was looked at and found to be in order.",
    "At {place}, {number} lamps near {work} were changed for ones that use less power.",
    "{person} thanked the people of {place} for their patience while {work} was closed.",
    "A leaflet about {work} was printed for {place}, with drawings by {person}.",
)


@dataclass(frozen=True)
class Planted:
    """An article that contains `FACT` at `text[start:end]`."""

    text: str
    start: int
    end: int


def paragraphs(words: int, seed: int = 0) -> list[str]:
    """The lead, then unimportant paragraphs, `words` words in total."""
    rng = random.Random(seed)
    written = [LEAD]
    left = words - len(LEAD.split())
    while left > 0:
        paragraph = " ".join(_sentence(rng) for _ in range(rng.randint(3, 6)))
        written.append(paragraph)
        left -= len(paragraph.split())
    return written


def long_article(words: int, seed: int = 0) -> str:
    return "\n\n".join(paragraphs(words, seed))


def planted(words: int, position: float, seed: int = 0) -> Planted:
    """A long article with the fact as a separate paragraph at `position`, from 0 (after the lead) to 1 (the end)."""
    parts = paragraphs(words, seed)
    place = 1 + round(position * (len(parts) - 1))
    parts.insert(place, FACT)
    start = len("\n\n".join([*parts[:place], ""]))
    return Planted("\n\n".join(parts), start, start + len(FACT))


def _sentence(rng: random.Random) -> str:
    place, person, work = rng.choice(_PLACES), rng.choice(_PEOPLE), rng.choice(_WORKS)
    return rng.choice(_TEMPLATES).format(place=place, person=person, work=work, number=rng.randint(21, 980))
