"""Encoder-decoders, and a decoder-only folder, through the whole server: SHORT is the first sentence, LONG the first
three, which the checkpoints were trained to write and which comes out only if everything is wired rightly."""

import random

import pytest

from checkpoints import checkpoint
from checkpoints.stories import story
from nutgraf import Client, Spec
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
