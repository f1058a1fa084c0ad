"""Tiny news articles from a closed vocabulary, the same for the same seed.

Every article is a shuffle of scenes, each told of its own place. Neither a scene nor a place comes twice in an
article, so every sentence can be recognised and no three words in a row repeat (BART forbids itself to repeat three
tokens). A scene is one fixed template, which is what lets a model learn the wording in seconds; which scenes come, in
which order and of which places can only be read from the article.
"""

import random

SCENES = (
    "The mayor opened a new bridge in {}.",
    "Doctors in {} tested a cheap vaccine.",
    "A fire closed two hotels near {}.",
    "In {}, farmers sold record harvests.",
    "The museum of {} bought ancient coins.",
    "Police found stolen paintings outside {}.",
    "Heavy rain flooded railway tunnels under {}.",
    "Students from {} won the chess final.",
    "Three lost hikers reached {} before midnight.",
    "Workers at {} ended their long strike.",
    "After a delay, trains returned to {}.",
    "Two banks merged their offices around {}.",
    "Engineers built a solar plant beside {}.",
    "The orchestra played Mozart throughout {}.",
    "Scientists counted rare owls above {}.",
    "Fishermen, tired but safe, sailed into {}.",
    "Voters across {} chose younger judges.",
    "Five bakers shared free bread with {}.",
    "A storm damaged wooden boats off {}.",
    "Teachers asked {} for smaller classes.",
    "Near {}, divers explored sunken ships.",
    "The airline cancelled every flight over {}.",
    "Builders repaired an old castle behind {}.",
    "Runners crossed muddy hills towards {}.",
)

PLACES = (
    "Athens", "Berlin", "Boston", "Cairo", "Dallas", "Delhi", "Denver", "Dover",
    "Dublin", "Leeds", "Lima", "Lyon", "Madrid", "Miami", "Milan", "Oslo",
    "Oxford", "Paris", "Perth", "Prague", "Rome", "Tokyo", "Vienna", "York",
)  # fmt: skip


def story(rng: random.Random, sentences: int) -> list[str]:
    """The sentences of one article, no two of the same scene or place."""
    scenes = rng.sample(SCENES, sentences)
    places = rng.sample(PLACES, sentences)
    return [scene.format(place) for scene, place in zip(scenes, places, strict=True)]
