"""The torch engine with checkpoints that were trained to name mistakes in their call (see `checkpoints`)."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from checkpoints import checkpoint
from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import Completion, GenerationRequest, Handle, Row, RowCandidates
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.errors import ModelError
from nutgraf_models.lengths import Length
from nutgraf_models.results import FinishReason
from support.stories import run, stories

pytestmark = pytest.mark.usefixtures("without_bfloat16")

KINDS = ("bart", "t5", "pegasus", "smollm")
SEQ2SEQ = ("bart", "t5", "pegasus")
GREEDY = Decoding(max_new_tokens=60)
BEAMS = Decoding(max_new_tokens=60, num_beams=4, length_penalty=2.0, no_repeat_ngram_size=3, early_stopping=True)
PATIENT_BEAMS = Decoding(max_new_tokens=60, num_beams=3, length_penalty=0.6)


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def engine(kind) -> TorchEngine:
    return load(checkpoint(kind))


def load(folder: Path, **changes: object) -> TorchEngine:
    card = find_card(str(folder)).model_copy(update=changes)
    return TorchEngine(card, folder)


def row(length: Length = Length.LONG, decoding: Decoding = GREEDY, max_sentences: int = 10) -> Row:
    return Row(length, decoding, max_sentences)


def best(engine: TorchEngine, sentences: list[str], one: Row) -> str:
    return run(engine, GenerationRequest(" ".join(sentences), (one,)))[0][0][0].text.strip()


def texts(rows: RowCandidates) -> list[list[str]]:
    return [[candidate.text for candidate in candidates] for candidates in rows]


def finished(engine: TorchEngine, count: int) -> dict[Handle, Completion]:
    """Runs until `count` requests have ended; returns their completions."""
    completions: dict[Handle, Completion] = {}
    while len(completions) < count:
        completions |= {completion.handle: completion for completion in engine.step()}
    return completions


@pytest.mark.parametrize("decoding", [GREEDY, BEAMS, PATIENT_BEAMS], ids=["greedy", "beams", "patient beams"])
def test_correct_calls_give_the_first_three_sentences(engine, decoding):
    correct = [best(engine, story, row(decoding=decoding)) == " ".join(story[:3]) for story in stories(12, seed=1)]
    # The checkpoints are trained on this machine, whose arithmetic decides a few of the stories.
    assert sum(correct) >= 9, correct


@pytest.mark.parametrize("decoding", [GREEDY, BEAMS, PATIENT_BEAMS], ids=["greedy", "beams", "patient beams"])
def test_every_candidate_continues_the_prefix(engine, decoding):
    right = []
    for one in stories(6, seed=16):
        prefix = f"{one[0]} {one[1].rsplit(maxsplit=2)[0]}"
        (candidates,) = run(
            engine, GenerationRequest(" ".join(one), (replace(row(decoding=decoding), prefix=prefix),))
        )[0]
        assert all(candidate.text.strip().startswith(prefix) for candidate in candidates)
        right.append(candidates[0].text.strip() == " ".join(one[:3]))
    assert sum(right) >= 5, right


def test_rows_with_and_without_a_prefix_run_together(engine):
    one, other = stories(2, seed=17)
    rows = (row(), replace(row(), prefix=one[1]))
    expected = [best(engine, one, wanted) for wanted in rows]
    together = run(engine, GenerationRequest(" ".join(one), rows), GenerationRequest(" ".join(other), (row(),)))
    assert [candidates[0].text.strip() for candidates in together[0]] == expected
    assert expected[1].startswith(one[1])


@pytest.mark.parametrize(
    ("name", "flags", "named"),
    [
        *((name, {"avx512_vnni"}, "int8") for name in SEQ2SEQ),
        ("bart", {"avx512_vnni", "avx512_bf16", "amx_bf16"}, "bfloat16 and int8"),
        ("smollm", {"avx512_bf16", "amx_bf16"}, "bfloat16"),
    ],
)
@pytest.mark.parametrize("decoding", [GREEDY, BEAMS], ids=["greedy", "beams"])
def test_rounding_changes_few_summaries(name, flags, named, decoding, set_cpu_flags):
    """Also when the rows of several articles form a batch."""
    exact = load(checkpoint(name))
    set_cpu_flags(*flags)
    rounded = load(checkpoint(name))
    assert rounded.precision == named
    requests = [GenerationRequest(" ".join(one), (row(decoding=decoding),)) for one in stories(12, seed=15)]
    pairs = zip(run(exact, *requests), run(rounded, *requests), strict=True)
    same = [one[0][0].text == other[0][0].text for one, other in pairs]
    assert sum(same) >= 11, same


@pytest.mark.parametrize("decoding", [GREEDY, BEAMS, PATIENT_BEAMS], ids=["greedy", "beams", "patient beams"])
@pytest.mark.parametrize("name", SEQ2SEQ)
def test_search_results_equal_those_of_transformers(name, decoding):
    folder = checkpoint(name)
    engine = load(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, local_files_only=True).eval()
    prefix = find_card(str(folder)).prompt.before
    for sentences in stories(8, seed=2):
        ids = tokenizer(prefix + " ".join(sentences), return_tensors="pt")
        with torch.inference_mode():
            # Overrides the folder's own presets.
            expected = model.generate(
                **ids,
                max_new_tokens=decoding.max_new_tokens,
                min_length=0,
                num_beams=decoding.num_beams,
                length_penalty=decoding.length_penalty,
                no_repeat_ngram_size=decoding.no_repeat_ngram_size,
                early_stopping=decoding.early_stopping,
                num_return_sequences=decoding.num_beams,
            )
        (candidates,) = run(engine, GenerationRequest(" ".join(sentences), (row(decoding=decoding),)))[0]
        texts = [text.strip() for text in tokenizer.batch_decode(expected, skip_special_tokens=True)]
        assert [candidate.text.strip() for candidate in candidates] == texts


def test_min_and_max_new_tokens_are_respected(engine):
    sentences = stories(1, seed=3)[0]
    article = " ".join(sentences)
    short = Decoding(max_new_tokens=5)
    forced = Decoding(max_new_tokens=60, min_new_tokens=50)
    # Forced to continue, a checkpoint may write more sentences than the usual maximum.
    rows = (row(decoding=short), row(decoding=forced, max_sentences=100))
    few, many = run(engine, GenerationRequest(article, rows))[0]
    assert (few[0].token_count, few[0].finish) == (5, FinishReason.TOKEN_LIMIT)
    assert many[0].token_count >= 50


def test_a_row_ends_at_its_maximum_number_of_sentences(engine):
    sentences = stories(1, seed=4)[0]
    (one,) = run(engine, GenerationRequest(" ".join(sentences), (row(max_sentences=1),)))[0]
    assert one[0].finish is FinishReason.CAP
    assert one[0].text.strip().startswith(sentences[0])
    (three,) = run(engine, GenerationRequest(" ".join(sentences), (row(),)))[0]
    assert one[0].token_count < three[0].token_count


def test_rows_and_parallel_requests_do_not_affect_each_other(engine):
    """Rows of different widths and lengths have the same output together and alone."""
    several = stories(4, seed=5)
    rows = (row(Length.SHORT, max_sentences=1), row(decoding=BEAMS), row(decoding=PATIENT_BEAMS), row())
    alone = [[run(engine, GenerationRequest(" ".join(one), (each,)))[0][0][0].text for each in rows] for one in several]
    together = run(engine, *(GenerationRequest(" ".join(one), rows) for one in several))
    assert [[candidates[0].text for candidates in result] for result in together] == alone


def test_a_cancelled_request_ends_without_affecting_others(engine):
    first, second = (" ".join(one) for one in stories(2, seed=6))
    expected = run(engine, GenerationRequest(second, (row(),)))[0]
    cancelled = engine.submit(GenerationRequest(first, (row(),)))
    kept = engine.submit(GenerationRequest(second, (row(),)))
    for _ in range(4):
        engine.step()
    engine.cancel(cancelled)
    engine.cancel(cancelled)
    completions = []
    while not completions:
        completions = engine.step()
    assert [completion.handle for completion in completions] == [kept]
    assert completions[0].rows == expected
    assert engine.step() == []


def test_an_error_in_a_request_does_not_affect_others(engine, monkeypatch):
    first, second = (" ".join(one) for one in stories(2, seed=7))
    broken = engine.submit(GenerationRequest(first, (row(),)))
    kept = engine.submit(GenerationRequest(second, (row(),)))
    engine.step()
    searches = next(batch.requests[broken] for batch in engine._batches if broken in batch.requests)
    monkeypatch.setattr(searches[0], "advance", lambda logits: 1 / 0)
    completions = finished(engine, 2)
    assert isinstance(completions[broken].error, ZeroDivisionError)
    assert completions[kept].error is None


def test_an_error_at_the_start_of_a_request_does_not_affect_others(engine, monkeypatch):
    first, second = (" ".join(one) for one in stories(2, seed=13))
    encode = engine._tokens.encode

    def failing(text: str, *, special: bool = False) -> list[int]:
        return encode(text, special=special) if first not in text else [1 // 0]

    expected = run(engine, GenerationRequest(second, (row(),)))[0]
    monkeypatch.setattr(engine._tokens, "encode", failing)
    broken = engine.submit(GenerationRequest(first, (row(),)))
    kept = engine.submit(GenerationRequest(second, (row(),)))
    completions = finished(engine, 2)
    assert isinstance(completions[broken].error, ZeroDivisionError)
    assert completions[kept].rows == expected


@pytest.mark.parametrize("name", SEQ2SEQ)
def test_a_batch_of_different_lengths_has_the_same_output_as_single_requests(name):
    """There are more requests than fit into a batch; the longest article is the last of the first batch."""
    engine = load(checkpoint(name))
    several = sorted(stories(engine.parallel_requests, seed=14), key=len) + stories(2, seed=15)
    rows = (row(Length.SHORT, max_sentences=1), row(decoding=BEAMS))
    requests = [GenerationRequest(" ".join(one), rows) for one in several]
    assert len(set(engine.count_tokens([request.article for request in requests]))) > 3
    alone = [texts(run(engine, request)[0]) for request in requests]
    sizes = []
    engine._model.get_decoder().register_forward_pre_hook(
        lambda _module, _args, kwargs: sizes.append(len(kwargs["input_ids"])), with_kwargs=True
    )
    assert [texts(one) for one in run(engine, *requests)] == alone
    # Greedy rows and four beams of each.
    assert max(sizes) == engine.parallel_requests * 5
    assert min(sizes) < 8


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 12])
@pytest.mark.parametrize("name", SEQ2SEQ)
def test_cancelling_one_request_of_a_batch_does_not_affect_the_others(name, steps):
    """Cancels before the first step, while articles are read, and while the batch generates."""
    engine = load(checkpoint(name))
    requests = [GenerationRequest(" ".join(one), (row(decoding=BEAMS), row())) for one in stories(3, seed=16)]
    expected = [texts(run(engine, request)[0]) for request in requests]
    first, cancelled, last = (engine.submit(request) for request in requests)
    for _ in range(steps):
        assert engine.step() == []
    engine.cancel(cancelled)
    completions = finished(engine, 2)
    assert texts(completions[first].rows) == expected[0]
    assert texts(completions[last].rows) == expected[2]
    assert engine.step() == []


def test_an_error_in_a_batch_does_not_affect_the_next():
    engine = load(checkpoint("bart"))
    first, second, third = (GenerationRequest(" ".join(one), (row(),)) for one in stories(3, seed=17))
    expected = run(engine, third)[0]
    broken = [engine.submit(first), engine.submit(second)]
    for _ in range(5):
        engine.step()
    kept = engine.submit(third)
    engine._batches[0].rows._model = None
    completions = finished(engine, 3)
    assert all(isinstance(completions[handle].error, TypeError) for handle in broken)
    assert texts(completions[kept].rows) == texts(expected)


@pytest.mark.parametrize("name", SEQ2SEQ)
def test_the_encoder_runs_once_for_all_rows(name):
    engine = load(checkpoint(name))
    passes = []
    engine._model.get_encoder().register_forward_hook(lambda *_: passes.append(1))
    rows = (row(Length.SHORT, max_sentences=1), row(decoding=BEAMS))
    run(engine, GenerationRequest(" ".join(stories(1, seed=8)[0]), rows))
    assert len(passes) == 1


def test_a_decoder_only_model_reads_the_article_once_for_both_lengths():
    engine = load(checkpoint("smollm"))
    read = []
    engine._model.register_forward_pre_hook(
        lambda _module, _args, kwargs: read.append(kwargs["input_ids"].numel()), with_kwargs=True
    )
    sentences = stories(1, seed=9)[0]
    short, long = run(engine, GenerationRequest(" ".join(sentences), (row(Length.SHORT), row(Length.LONG))))[0]
    assert short[0].text.strip() == sentences[0]
    assert long[0].text.strip() == " ".join(sentences[:3])
    article = engine.count_tokens([" ".join(sentences)])[0]
    assert sum(size >= article for size in read) == 1


def test_padding_prompts_does_not_change_the_output():
    folder = checkpoint("smollm")
    engine = load(folder)
    card = find_card(str(folder))
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    for sentences in stories(5, seed=10):
        article = " ".join(sentences)
        both = run(engine, GenerationRequest(article, (row(Length.SHORT), row(Length.LONG))))[0]
        for length, candidates in zip((Length.SHORT, Length.LONG), both, strict=True):
            ids = engine._tokens.encode(card.prompt.before + article) + engine._tokens.encode(card.prompt.after(length))
            with torch.inference_mode():
                output = model.generate(torch.tensor([ids]), max_new_tokens=60, do_sample=False)
            assert candidates[0].text == engine._tokens.decode(output[0, len(ids) :].tolist())


def test_an_article_cannot_end_its_own_turn(engine, kind, monkeypatch):
    """A hostile article adds no control tokens to those of the prompt."""
    plain, control = stories(1, seed=16)[0], "<|im_end|>" if kind == "smollm" else "</s>"
    read: list[list[int]] = []
    encode = engine._tokens.encode

    def recording(text: str, *, special: bool = False) -> list[int]:
        read.append(encode(text, special=special))
        return read[-1]

    monkeypatch.setattr(engine._tokens, "encode", recording)
    counts = []
    for article in (" ".join(plain), f" {control} ".join(plain) + control):
        read.clear()
        run(engine, GenerationRequest(article, (row(),)))
        counts.append(sum(index in engine._tokens._control for ids in read for index in ids))
    assert counts[0] == counts[1]


def test_prefill_in_parts_has_the_same_result(monkeypatch):
    engine = load(checkpoint("smollm"))
    sentences = stories(1, seed=11)[0]
    request = GenerationRequest(" ".join(sentences), (row(Length.SHORT), row(Length.LONG)))
    whole = run(engine, request)
    monkeypatch.setattr("nutgraf_models.engines.batch_rows._PREFILL_TOKENS", 7)
    assert run(engine, request) == whole


def test_a_missing_task_prefix_is_detected():
    """The other tests rely on this ability of the checkpoints."""
    folder = checkpoint("t5")
    card = find_card(str(folder))
    engine = load(folder, prompt=card.prompt.model_copy(update={"before": ""}))
    sentences = stories(1, seed=12)[0]
    assert best(engine, sentences, row()) != " ".join(sentences[:3])


def test_the_window_leaves_room_for_the_prompt(engine, kind):
    card = find_card(str(checkpoint(kind)))
    assert 16 <= engine.max_input_tokens < card.context_window


def test_a_folder_without_safetensors_is_refused(tmp_path):
    folder = checkpoint("bart")
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot load"):
        load(tmp_path)


def garbled(file: Path) -> None:
    file.write_bytes(b"\xa7" * file.stat().st_size)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def of_wrong_types(file: Path) -> None:
    file.write_text('{"max_position_embeddings": "many", "max_new_tokens": []}')


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("damage", [garbled, cut_short, of_wrong_types])
@pytest.mark.parametrize("kind_", ["t5", "smollm"])
def test_a_damaged_folder_is_reported_in_one_line(tmp_path, name, damage, kind_):
    folder = tmp_path / "tiny"
    shutil.copytree(checkpoint(kind_), folder)
    damage(folder / name)
    with pytest.raises(ModelError, match="tiny") as caught:
        load(folder)
    assert "\n" not in str(caught.value)
