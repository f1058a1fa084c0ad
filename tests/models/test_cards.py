"""Cards, and how they are made for folders."""

import json

import pytest

from nutgraf_models.checkpoints.card import Card
from nutgraf_models.checkpoints.folder_card import card_for_folder
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card, known_cards
from nutgraf_models.checkpoints.sources import HubSource, PathSource, PypiSource, parse_source
from nutgraf_models.errors import ModelError

ENCODER_DECODERS = {
    "facebook/bart-large-cnn",
    "sshleifer/distilbart-cnn-12-6",
    "google/pegasus-xsum",
    "google/flan-t5-base",
}


def test_packaged_cards_are_known_and_valid():
    assert ENCODER_DECODERS | {DEFAULT_MODEL, "lead"} == set(known_cards())
    for name in known_cards():
        card = find_card(name)
        if card.family != "lead":
            parse_source(card.source)
            assert card.languages


@pytest.mark.parametrize("name", sorted(ENCODER_DECODERS))
def test_packaged_encoder_decoders_have_their_hub_ids(name):
    card = find_card(name)
    assert (card.family, card.source) == ("seq2seq", f"hf:{name}")
    assert card.prompt.before == ("summarize: " if "t5" in name else "")


def test_the_default_model_is_pinned_by_checksum():
    card = find_card(DEFAULT_MODEL)
    assert isinstance(parse_source(card.source), PypiSource)
    assert card.sha256 is not None
    assert len(card.sha256) == 64


@pytest.mark.parametrize("name", ["nonsense", "./nowhere", "a/b/c", "/no/such/folder"])
def test_an_unknown_model_is_refused_with_a_list_of_known_ones(name):
    with pytest.raises(ModelError, match=DEFAULT_MODEL):
        find_card(name)


def test_a_hub_id_without_a_card_keeps_its_revision():
    card = find_card("someone/some-model@v2")
    assert parse_source(card.source) == HubSource("someone/some-model", "v2")
    assert card.provisional


def test_errors_in_a_card_file_are_reported(tmp_path):
    good = tmp_path / "mine.toml"
    good.write_text(
        'id = "mine"\ndescription = "x"\nfamily = "seq2seq"\nsource = "path:/somewhere"\n'
        "[decoding.short]\nmax_new_tokens = 10\n[decoding.long]\nmax_new_tokens = 20\n"
    )
    assert find_card(str(good)).id == "mine"
    bad = tmp_path / "bad.toml"
    bad.write_text(good.read_text().replace('family = "seq2seq"', 'family = "rnn"\nspeed = 9'))
    with pytest.raises(ModelError, match=r"bad\.toml is not valid.*family") as caught:
        find_card(str(bad))
    assert "speed" in str(caught.value)


def test_an_encoder_decoder_must_not_have_two_prompts():
    card = find_card("google/flan-t5-base").model_dump()
    card["prompt"]["after_short"] = " in short"
    with pytest.raises(ValueError, match="must be equal"):
        Card.model_validate(card)


def test_presets_come_from_the_folder(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "bart", "is_encoder_decoder": True, "max_position_embeddings": 1024})
    )
    (tmp_path / "generation_config.json").write_text(
        json.dumps({"num_beams": 6, "max_length": 100, "min_length": 30, "length_penalty": 2.0, "early_stopping": True})
    )
    card = card_for_folder(tmp_path)
    long = card.decoding.long
    assert (card.family, card.context_window) == ("seq2seq", 1024)
    assert (long.num_beams, long.max_new_tokens, long.min_new_tokens, long.length_penalty) == (6, 100, 30, 2.0)
    assert card.decoding.short.min_new_tokens == 0


def test_a_t5_folder_gets_its_task_prefix(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    assert card_for_folder(tmp_path).prompt.before == "summarize: "
    params = {"summarization": {"prefix": "tl;dr: ", "num_beams": 2}}
    config = {"model_type": "t5", "is_encoder_decoder": True, "task_specific_params": params}
    (tmp_path / "config.json").write_text(json.dumps(config))
    card = card_for_folder(tmp_path)
    assert (card.prompt.before, card.decoding.long.num_beams) == ("tl;dr: ", 2)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_folder_without_a_valid_config_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"config\.json"):
        find_card(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("pypi:a-b==1.2!a_b/x.gguf", PypiSource("a-b", "1.2", "a_b/x.gguf")),
        ("hf:org/name", HubSource("org/name", None)),
        ("hf:org/name@abc", HubSource("org/name", "abc")),
    ],
)
def test_sources_are_parsed(text, source):
    assert parse_source(text) == source


def test_a_path_source_is_a_folder(tmp_path):
    assert parse_source(f"path:{tmp_path}") == PathSource(tmp_path)


@pytest.mark.parametrize("text", ["", "pypi:a", "pypi:a==1", "hf:name", "ftp:x", "path:"])
def test_an_unknown_form_of_source_is_refused(text):
    with pytest.raises(ModelError, match="has none of the forms"):
        parse_source(text)
