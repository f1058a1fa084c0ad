"""Full names for persons whom the article has introduced, but the summary has not."""

import pytest

from nutgraf_models.extracts.full_names import FullNames

ARTICLE = [
    "Ida Fenn has run the harbour at Marlow since May.",
    "Her plan for a second crane was rejected on Monday.",
    "She said Mr Asker had known.",
    "Tom Asker, the treasurer, denied it.",
    "He resigned on Tuesday, and Fenn took his place.",
    "Asker had kept the books for nine years.",
]


@pytest.mark.parametrize(
    ("origin", "text", "full"),
    [
        (4, "On Tuesday Fenn took his place.", "On Tuesday Ida Fenn took his place."),
        (4, "Fenn's crane was rejected.", "Ida Fenn's crane was rejected."),
        (4, "If Fenn leaves, Fenn will be missed.", "If Ida Fenn leaves, Fenn will be missed."),
        (5, "Mr Asker had kept the books.", "Tom Asker had kept the books."),
        # The article gives it in this sentence, and the model left it out.
        (3, "Asker, the treasurer, denied it.", "Tom Asker, the treasurer, denied it."),
        # The article itself has not yet given his first name.
        (2, "She said Mr Asker had known.", "She said Mr Asker had known."),
        (5, "Treasurer Tom Asker left, Asker said.", "Treasurer Tom Asker left, Asker said."),
        (5, "Marlow has no treasurer.", "Marlow has no treasurer."),
        (5, "Mayor Fenn has no treasurer.", "Mayor Fenn has no treasurer."),
    ],
)
def test_a_surname_is_given_in_full(origin: int, text: str, full: str) -> None:
    assert FullNames(ARTICLE).in_full(text, origin) == full


@pytest.mark.parametrize("full", ["Ida B. Fenn", "Ida Bea Fenn"])
@pytest.mark.parametrize("before", ["", "Mayor ", "On Monday ", "But "])
def test_a_name_may_have_three_parts(before: str, full: str) -> None:
    article = [f"{before}{full} has a harbour.", "Fenn has a crane."]
    assert FullNames(article).in_full("Fenn has a crane.", 1) == f"{full} has a crane."


def test_a_surname_that_the_summary_has_introduced_stays() -> None:
    assert FullNames(ARTICLE).in_full("Fenn took his place.", 4, "Ida Fenn leads it.") == "Fenn took his place."


@pytest.mark.parametrize(
    "other",
    [
        "Ben Asker, a cousin, said so.",
        "Asker's brother, Ben, said so.",
    ],
)
def test_a_surname_of_two_persons_stays(other: str) -> None:
    assert FullNames([*ARTICLE[:5], other, ARTICLE[5]]).in_full(ARTICLE[5], 6) == ARTICLE[5]


@pytest.mark.parametrize(
    ("origin", "full"),
    [
        (1, "Ida Fenn's plan for a second crane was rejected on Monday."),
        # By way of the sentence before, which begins with "her".
        (2, "Ida Fenn said Mr Asker had known."),
        (4, "Tom Asker resigned on Tuesday, and Fenn took his place."),
    ],
)
def test_a_pronoun_at_the_start_is_resolved(origin: int, full: str) -> None:
    assert FullNames(ARTICLE).with_antecedent(ARTICLE[origin], origin) == full


@pytest.mark.parametrize(
    "before",
    [
        # Two persons, another man, a name that is not the subject, nobody.
        "Tom Asker met Ida Fenn.",
        "Tom Asker called the driver.",
        "The harbour was closed for a day, said Asker.",
        "The harbour is closed.",
    ],
)
def test_an_ambiguous_pronoun_stays(before: str) -> None:
    names = FullNames([*ARTICLE, before, "He resigned on Tuesday."])
    assert names.with_antecedent("He resigned on Tuesday.", 7) == "He resigned on Tuesday."
