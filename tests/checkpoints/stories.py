"""Tiny news articles from a closed vocabulary, deterministic for a seed.

An article is a random sequence of scenes, each in a place of its own. No scene or place occurs twice in an article, so
every sentence is unique and no three words repeat (BART's preset blocks repeated trigrams). A scene is a fixed
template, so that a model learns the wording in seconds. Only the article has the choice and order of scenes and places.
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
    """The sentences of an article."""
    scenes = rng.sample(SCENES, sentences)
    places = rng.sample(PLACES, sentences)
    return [scene.format(place) for scene, place in zip(scenes, places, strict=True)]
