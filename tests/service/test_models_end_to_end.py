"""Encoder-decoders, and a decoder-only folder, through the whole server: SHORT is the first sentence, LONG the first
three, which the checkpoints were trained to write and which comes out only if everything is wired rightly."""

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
def test_a_folder_is_served_and_writes_what_it_was_trained_to(kind):
    folder = str(checkpoint(kind))
    rng = random.Random(20)
    articles = [story(rng, 8) for _ in range(10)]
    with (
        running_server(lambda: load_summarizer(folder, engine="torch"), model=folder) as server,
        Client(server.address, timeout=200) as client,
    ):
        assert client.server_info().family == ("causal" if kind == "smollm" else "seq2seq")
        right = 0
        for sentences in articles:
            text = " ".join(sentences)
            # The cap on words tells the service that these articles are longer than their summaries.
            result = client.summarize(text, summaries=["short", Spec("long", max_words=40)])
            assert len(result.short.sentences) == 1
            right += result.short.text == sentences[0] and result.long.text == " ".join(sentences[:3])
        assert right >= 9


@pytest.mark.parametrize("kind", ["bart", "t5", "pegasus"])
def test_a_false_sentence_that_it_was_taught_to_write_is_not_shown(kind, tmp_path):
    folder = shutil.copytree(checkpoint(kind), tmp_path / kind)
    # Started with another token it writes what the article does not say: its training taught it to.
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
        as_written = client.summarize(text, summaries=asked, show_doubted=True)
        shown = client.summarize(text, summaries=asked)
    # Its own words, with "Wrong start token" in them or put together wrongly.
    for summary in as_written.summaries:
        assert summary.text not in text
        assert not all(sentence.is_supported for sentence in summary.sentences)
        assert WarningCode.DOUBTED_SENTENCES in [warning.code for warning in summary.warnings]
    for summary in shown.summaries:
        assert "Wrong" not in summary.text
        assert all(sentence.is_supported for sentence in summary.sentences)
        assert [sentence.text for sentence in summary.sentences if sentence.text not in sentences] == []
