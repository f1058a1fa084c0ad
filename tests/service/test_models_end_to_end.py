"""The small checkpoints through the whole server. SHORT is the first sentence and LONG the first three, as trained,
which requires that every part calls the model correctly."""

import json
import random
import shutil

import pytest

from checkpoints import checkpoint
from checkpoints.stories import story
from nutgraf import Client, Spec, WarningCode
from nutgraf_models.loading import load_summarizer
from support.server import running_server


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus", "smollm"])
def test_a_folder_is_served_with_the_summaries_of_its_training(kind):
    folder = str(checkpoint(kind))
    rng = random.Random(20)
    articles = [story(rng, 8) for _ in range(10)]
    with (
        running_server(lambda: load_summarizer(folder, engine="torch"), model=folder) as server,
        Client(server.address, timeout=200) as client,
    ):
        assert client.server_info().family == ("causal" if kind == "smollm" else "seq2seq")
        correct = 0
        for sentences in articles:
            text = " ".join(sentences)
            # With this maximum, the service considers the articles longer than their summaries.
            result = client.summarize(text, summaries=["short", Spec("long", max_words=40)])
            assert len(result.short.sentences) == 1
            correct += result.short.text == sentences[0] and result.long.text == " ".join(sentences[:3])
        assert correct >= 9


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
def test_generated_false_sentences_are_not_shown(kind, tmp_path):
    folder = shutil.copytree(checkpoint(kind), tmp_path / kind)
    # With a wrong start token, the checkpoint writes false sentences, as trained.
    for name in ("generation_config.json", "config.json"):
        settings = json.loads((folder / name).read_text(encoding="utf-8"))
        if "decoder_start_token_id" in settings:
            settings["decoder_start_token_id"] = next(
                token for token in range(4) if token != settings["decoder_start_token_id"]
            )
            (folder / name).write_text(json.dumps(settings), encoding="utf-8")
    sentences = story(random.Random(21), 8)
    text = " ".join(sentences)
    with (
        running_server(lambda: load_summarizer(str(folder), engine="torch"), model=str(folder)) as server,
        Client(server.address, timeout=200) as client,
    ):
        asked = ["short", Spec("long", max_words=40)]
        generated = client.summarize(text, summaries=asked, show_doubted=True)
        shown = client.summarize(text, summaries=asked)
    # Its sentences contain "Wrong start token" or are assembled incorrectly.
    for summary in generated.summaries:
        assert summary.text not in text
        assert not all(sentence.is_supported for sentence in summary.sentences)
        assert WarningCode.DOUBTED_SENTENCES in [warning.code for warning in summary.warnings]
    for summary in shown.summaries:
        assert "Wrong" not in summary.text
        assert all(sentence.is_supported for sentence in summary.sentences)
        # A sentence may leave out its first "The".
        without = [one.removeprefix("The ") for one in sentences]
        whole = {*sentences, *(one[:1].upper() + one[1:] for one in without)}
        assert [sentence.text for sentence in summary.sentences if sentence.text not in whole] == []
