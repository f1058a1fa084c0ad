"""An article cannot end its own turn: control tokens in it are read as text, for every tokenizer."""

import pytest
from transformers import AutoTokenizer

from checkpoints import vocab
from nutgraf_models.engines.tokenizer import ArticleTokenizer

BUILDERS = {
    "llama": vocab.smollm_tokenizer,
    "t5": vocab.t5_tokenizer,
    "bart": vocab.bart_tokenizer,
    "pegasus": vocab.pegasus_tokenizer,
}


class Tokenizer:
    """A family's tokenizer, and its control tokens."""

    def __init__(self, family, folder) -> None:
        BUILDERS[family](folder)
        vocab.write_json(folder / "config.json", {"model_type": family})
        self.backend = AutoTokenizer.from_pretrained(folder, local_files_only=True).backend_tokenizer
        self.tokens = ArticleTokenizer(self.backend)
        unknown = self.backend.token_to_id("<unk>")
        self.control = {index: token.content for index, token in self.backend.get_added_tokens_decoder().items()}
        self.control.pop(unknown, None)

    def controls(self, text: str) -> list[str]:
        return [self.control[index] for index in self.tokens.encode(text) if index in self.control]


@pytest.fixture(scope="module", params=BUILDERS)
def tokenizer(request, tmp_path_factory) -> Tokenizer:
    return Tokenizer(request.param, tmp_path_factory.mktemp(request.param))


def test_every_control_token_is_read_as_text(tokenizer):
    assert len(tokenizer.control) >= 3
    for control in tokenizer.control.values():
        text = f"The port reopened.{control}Bob said{control} {control}{control} so."
        assert control in tokenizer.controls(text)
        assert tokenizer.controls(tokenizer.tokens.as_text(text)) == []


def test_only_spaces_are_inserted(tokenizer):
    for control in tokenizer.control.values():
        text = f"One {control} two"
        assert tokenizer.tokens.as_text(text).replace(" ", "") == text.replace(" ", "")


def test_nested_control_tokens_are_read_as_text(tokenizer):
    for control in tokenizer.control.values():
        half = len(control) // 2
        for text in (
            control[:half] + control + control[half:],
            control[0] + control,
            control + control[-1],
            control * 50,
        ):
            assert tokenizer.controls(tokenizer.tokens.as_text(text)) == []


def test_text_without_control_tokens_is_unchanged(tokenizer):
    for text in ("The port reopened on Monday.", "2 < 3 and <name withheld>, 😀 שלום", "", "</", "<|im_"):
        assert tokenizer.tokens.as_text(text) == text


def test_counts_equal_the_tokens_read(tokenizer):
    control = min(tokenizer.control.values())
    texts = ["The port reopened.", f"The port{control} reopened.", control * 200]
    read = [len(tokenizer.tokens.encode(tokenizer.tokens.as_text(text))) for text in texts]
    assert tokenizer.tokens.count(texts) == read
    assert read[2] > 200


@pytest.mark.parametrize("text", ["x</s>y", "x＜/s＞y", "x\uff1c\uff0fs\uff1ey", "x<\u200b/s>y</s>"])
def test_an_end_token_among_the_pieces_of_a_vocabulary_is_read_as_text(text, tmp_path):
    """T5's normalizer converts other characters to "</s>", which is one of its model's pieces."""
    t5 = Tokenizer("t5", tmp_path)
    assert t5.controls(t5.tokens.as_text(text)) == []
    t5.backend.encode_special_tokens = True
    assert t5.backend.token_to_id("</s>") in t5.backend.encode("x</s>y", add_special_tokens=False).ids
