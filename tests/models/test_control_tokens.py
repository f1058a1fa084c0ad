"""No article can end its own turn: what it has of a model's control tokens is read as text, whatever the model."""

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
    """A family's own tokenizer, and what is to be known of it here."""

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


def test_every_control_token_of_a_model_becomes_text(tokenizer):
    assert len(tokenizer.control) >= 3
    for control in tokenizer.control.values():
        text = f"The port reopened.{control}Bob said{control} {control}{control} so."
        assert control in tokenizer.controls(text)
        assert tokenizer.controls(tokenizer.tokens.as_text(text)) == []


def test_what_the_article_says_around_a_control_token_and_inside_of_it_stays(tokenizer):
    for control in tokenizer.control.values():
        text = f"One {control} two"
        assert tokenizer.tokens.as_text(text).replace(" ", "") == text.replace(" ", "")


def test_a_control_token_inside_of_another_does_not_come_out_when_that_is_divided(tokenizer):
    for control in tokenizer.control.values():
        half = len(control) // 2
        for text in (
            control[:half] + control + control[half:],
            control[0] + control,
            control + control[-1],
            control * 50,
        ):
            assert tokenizer.controls(tokenizer.tokens.as_text(text)) == []


def test_a_text_without_any_is_read_as_it_is(tokenizer):
    for text in ("The port reopened on Monday.", "2 < 3 and <name withheld>, 😀 שלום", "", "</", "<|im_"):
        assert tokenizer.tokens.as_text(text) == text


def test_tokens_are_counted_as_they_are_read(tokenizer):
    control = min(tokenizer.control.values())
    texts = ["The port reopened.", f"The port{control} reopened.", control * 200]
    read = [len(tokenizer.tokens.encode(tokenizer.tokens.as_text(text))) for text in texts]
    assert tokenizer.tokens.count(texts) == read
    assert read[2] > 200


@pytest.mark.parametrize("text", ["x</s>y", "x＜/s＞y", "x\uff1c\uff0fs\uff1ey", "x<\u200b/s>y</s>"])
def test_a_vocabulary_that_has_the_end_token_as_a_piece_is_not_fooled(text, tmp_path):
    """T5's normalizer makes "</s>" of other characters, and its model has that among its pieces."""
    t5 = Tokenizer("t5", tmp_path)
    assert t5.controls(t5.tokens.as_text(text)) == []
    t5.backend.encode_special_tokens = True
    assert t5.backend.token_to_id("</s>") in t5.backend.encode("x</s>y", add_special_tokens=False).ids
