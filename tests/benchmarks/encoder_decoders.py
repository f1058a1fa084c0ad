"""Decoding speed of encoder-decoders, on the same random weights with the shape of distilbart-cnn-12-6.

All ways read articles of the same number of tokens and generate the same number of tokens:

  transformers   `generate`, one batch
  nutgraf        the torch engine, all requests at once
  float32, int8  CTranslate2, one batch; skipped unless installed (pip install ctranslate2)

The ways alternate in each round. "CPU s" is the CPU time per article, which depends less on other load than the wall
time; compare it with one thread (OMP_NUM_THREADS=1), because waiting threads use CPU time too. `--profile` instead
prints a time profile of one batch in the torch engine.

`--checkpoint FOLDER --articles DATA.jsonl` instead measures how exact the ways are on a trained checkpoint. Each writes
the articles to its own end. Printed is the share of the reference's tokens, the end included, before the first that
differs, and of articles without a difference. The reference is the torch engine in float32; `alone` is that with one
article at a time, whose sums are in another order.
"""

import argparse
import importlib.util
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import torch
from first_figures import processor
from transformers import (
    AutoConfig,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    GenerationConfig,
)
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).parents[1]))
from checkpoints import checkpoint
from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines import packed
from nutgraf_models.engines.base import GenerationRequest, Row
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.evaluation.references import read_references
from nutgraf_models.lengths import Length
from nutgraf_models.text.normalize import normalize

VOCABULARY = 50264


@dataclass(frozen=True)
class Settings:
    """`least` and `most` are numbers of tokens to write; the end token is not one of them."""

    beams: int
    least: int
    most: int


# Maps articles' tokens to generated tokens, without the end token.
Way = Callable[[list[list[int]], Settings], list[list[int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=WAYS, help="the first is the baseline")
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens-in", type=int, default=512)
    parser.add_argument("--tokens-out", type=int, default=64)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--checkpoint", type=Path, help="a trained checkpoint's folder, to measure exactness")
    parser.add_argument("--articles", type=Path, help='JSON lines with "article" and "reference"')
    parser.add_argument("--limit", type=int, default=100, help="number of articles")
    arguments = parser.parse_args()
    if bool(arguments.checkpoint) != bool(arguments.articles):
        parser.error("--checkpoint and --articles belong together")
    transformers_logging.disable_progress_bar()
    if arguments.checkpoint:
        compare_tokens(arguments)
        return
    print(
        f"{torch.get_num_threads()} threads, {processor()}; {arguments.tokens_in} tokens in, {arguments.tokens_out} out"
    )
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        if arguments.profile:
            profile(Path(folder), arguments)
            return
        ways = {name: WAYS[name](Path(folder)) for name in arguments.ways or SPEED}
        head = f"{'articles a second':>18}{'spread':>16}{'ratio':>7}{'CPU s':>8}{'same tokens':>13}"
        print(f"{'beams':>5}{'batch':>6}  {'':14}{head}")
        for beams in arguments.beams:
            for batch in arguments.batches:
                compare({name: way for name, way in ways.items() if way}, beams, batch, arguments)


def compare(ways: dict[str, Way], beams: int, batch: int, arguments: argparse.Namespace) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    written: dict[str, list[list[int]]] = {}
    for turn in range(arguments.rounds):
        articles = some_articles(batch, arguments.tokens_in, seed=turn)
        for name, way in ways.items():
            started, used = time.perf_counter(), time.process_time()
            written[name] = way(articles, Settings(beams, arguments.tokens_out, arguments.tokens_out))
            seconds[name].append((time.process_time() - used) / batch)
            rates[name].append(batch / (time.perf_counter() - started))
    first = next(iter(ways))
    for name, several in rates.items():
        rate = statistics.median(several)
        spread = f"{min(several):.2f} to {max(several):.2f}"
        pairs = [
            pair
            for one, other in zip(written[first], written[name], strict=True)
            for pair in zip(one, other, strict=False)
        ]
        same = sum(one == other for one, other in pairs) / len(pairs)
        ratio = rate / statistics.median(rates[first])
        cost = statistics.median(seconds[name])
        print(f"{beams:5}{batch:6}  {name:14}{rate:18.2f}{spread:>16}{ratio:7.2f}{cost:8.2f}{same:13.3f}", flush=True)


def compare_tokens(arguments: argparse.Namespace) -> None:
    folder, most = arguments.checkpoint, arguments.tokens_out
    names = arguments.ways or EXACTNESS
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = read_references(arguments.articles)[: arguments.limit]
    articles = [
        tokenizer(normalize(row.article).text, truncation=True, max_length=arguments.tokens_in).input_ids
        for row in rows
    ]
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    start, end = model.generation_config.decoder_start_token_id, model.generation_config.eos_token_id
    print(f"{torch.get_num_threads()} threads, {processor()}; {len(articles)} articles of {arguments.articles.name}")
    ways = {name: way for name in ("reference", *names) if (way := WAYS[name](folder))}
    for beams in arguments.beams:
        settings = Settings(beams, 0, most)
        # An end token counts where the limit left room for one.
        written = {name: [[*one, end][:most] for one in way(articles, settings)] for name, way in ways.items()}
        expected = written.pop("reference")
        total = sum(map(len, expected))
        sure = sum(
            likeliest(model, article, [start, *one[:-1]]) for article, one in zip(articles, expected, strict=True)
        )
        print(f"\n{beams} beams, {total} tokens; the likeliest token has a probability of {sure / total:.2f}")
        print(f"{'':14}{'before a difference':>20}{'the same articles':>20}")
        for name, answers in written.items():
            same = [common(*pair) for pair in zip(expected, answers, strict=True)]
            equal = sum(one == other for one, other in zip(expected, answers, strict=True))
            print(f"{name:14}{sum(same) / total:20.2%}{equal / len(articles):20.2%}", flush=True)


def common(one: list[int], other: list[int]) -> int:
    """The number of tokens before the first difference."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@torch.inference_mode()
def likeliest(model: Any, article: list[int], begun: list[int]) -> float:
    """The sum of the likeliest tokens' probabilities."""
    logits = model(input_ids=torch.tensor([article]), decoder_input_ids=torch.tensor([begun])).logits
    return float(logits[0].softmax(-1).amax(-1).sum())


def build(folder: Path) -> None:
    """A checkpoint with the shape of distilbart-cnn-12-6 and the tokenizer of a small one."""
    for file in checkpoint("bart").iterdir():
        if file.name not in ("config.json", "model.safetensors", "generation_config.json"):
            shutil.copyfile(file, folder / file.name)
    torch.manual_seed(0)
    # Wide initialization makes the output depend on the input and on previous tokens.
    config = BartConfig(vocab_size=VOCABULARY, encoder_layers=12, decoder_layers=6, init_std=0.05)
    config.architectures = ["BartForConditionalGeneration"]
    model = BartForConditionalGeneration(config)
    model.generation_config.update(decoder_start_token_id=2, eos_token_id=2, forced_eos_token_id=None)
    model.save_pretrained(folder)


def some_articles(count: int, tokens: int, seed: int) -> list[list[int]]:
    rng = random.Random(seed)
    return [[0, *(rng.randrange(4, VOCABULARY) for _ in range(tokens - 2)), 2] for _ in range(count)]


def transformers(folder: Path) -> Way:
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()

    def write(articles: list[list[int]], settings: Settings) -> list[list[int]]:
        options: dict[str, Any] = {"num_beams": settings.beams, "early_stopping": True, "do_sample": False}
        options |= {"min_new_tokens": settings.least, "max_new_tokens": settings.most}
        with torch.inference_mode():
            tokens: list[list[int]] = model.generate(torch.tensor(articles), **options).tolist()
        return [one[1:] for one in tokens]

    return write


class Float32(TorchEngine):
    def _pack(self, is_seq2seq: bool) -> str:
        return "float32"


class Float16(TorchEngine):
    def _pack(self, is_seq2seq: bool) -> str:
        packed.pack(self._model, packed.Float16Linear)
        return "float16"


def torch_engine(kind: type[TorchEngine], *, alone: bool = False) -> Callable[[Path], Way]:
    def load(folder: Path) -> Way:
        engine = kind(find_card(str(folder)), folder)

        def write(articles: list[list[int]], settings: Settings) -> list[list[int]]:
            # Inputs and outputs are numbers: some checkpoint's tokenizer is too small for its vocabulary.
            tokens: Any = engine._tokens
            tokens.encode = lambda text, special=False: articles[int(text)] if text else []
            tokens.decode = lambda ids: " ".join(map(str, ids))
            tokens.stop_rule = lambda row: lambda ids: False
            decoding = Decoding(
                min_new_tokens=settings.least,
                max_new_tokens=settings.most,
                num_beams=settings.beams,
                early_stopping=True,
            )
            row = Row(Length.LONG, decoding, 1000)
            waiting = [GenerationRequest(str(index), (row,)) for index in range(len(articles))]
            written = []
            for requests in [[one] for one in waiting] if alone else [waiting]:
                handles = [engine.submit(request) for request in requests]
                done = {}
                while len(done) < len(handles):
                    done |= {completion.handle: completion for completion in engine.step()}
                for completion in done.values():
                    if completion.error:
                        raise completion.error
                written += [done[handle].rows[0][0].text for handle in handles]
            return [[int(token) for token in one.split()] for one in written]

        return write

    return load


def ctranslate2(precision: str) -> Callable[[Path], Way | None]:
    def load(folder: Path) -> Way | None:
        if importlib.util.find_spec("ctranslate2") is None:
            print("ctranslate2 is not installed")
            return None
        if AutoConfig.from_pretrained(folder).model_type != "bart":
            print("only a BART is converted to CTranslate2 here")
            return None
        import ctranslate2

        made = tempfile.TemporaryDirectory()
        convert(folder, Path(made.name) / "converted")
        first = GenerationConfig.from_pretrained(folder).forced_bos_token_id
        threads = torch.get_num_threads()
        translator = ctranslate2.Translator(made.name + "/converted", compute_type=precision, intra_threads=threads)

        def write(articles: list[list[int]], settings: Settings) -> list[list[int]]:
            results = translator.translate_batch(
                [[str(token) for token in article] for article in articles],
                target_prefix=None if first is None else [[str(first)]] * len(articles),
                beam_size=settings.beams,
                min_decoding_length=settings.least,
                max_decoding_length=settings.most,
                max_batch_size=8,
            )
            return [[int(token) for token in result.hypotheses[0]] for result in results]

        return write

    return load


def convert(folder: Path, made: Path) -> None:
    """Converts to CTranslate2, which needs a tokenizer of the model's size; here a token's name is its number."""
    from ctranslate2.converters import TransformersConverter
    from ctranslate2.converters.transformers import BartLoader, register_loader

    class Loader(BartLoader):  # type: ignore[misc]
        def get_model_spec(self, model: Any) -> Any:
            # The converter needs these attributes, which transformers has removed.
            model.config.normalize_before, model.config.normalize_embedding = False, True
            return super().get_model_spec(model)

        def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
            return [str(index) for index in range(model.config.vocab_size)]

        def set_vocabulary(self, spec: Any, tokens: list[str]) -> None:
            spec.register_source_vocabulary(tokens)
            spec.register_target_vocabulary(tokens)

        def set_config(self, config: Any, model: Any, tokenizer: Any) -> None:
            special = model.generation_config
            config.bos_token, config.eos_token = str(special.bos_token_id), str(special.eos_token_id)
            config.unk_token, config.decoder_start_token = "3", str(special.decoder_start_token_id)

    register_loader("BartConfig")(Loader)
    TransformersConverter(str(folder)).convert(str(made))


def profile(folder: Path, arguments: argparse.Namespace) -> None:
    write = torch_engine(TorchEngine)(folder)
    for beams in arguments.beams:
        for batch in arguments.batches:
            articles = some_articles(batch, arguments.tokens_in, seed=0)
            started = time.perf_counter()
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
                write(articles, Settings(beams, arguments.tokens_out, arguments.tokens_out))
            print(f"\n{beams} beams, batch {batch}: {time.perf_counter() - started:.1f} s")
            print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=16, max_name_column_width=40))


WAYS: dict[str, Callable[[Path], Way | None]] = {
    "transformers": transformers,
    "nutgraf": torch_engine(TorchEngine),
    "float32": ctranslate2("float32"),
    "int8": ctranslate2("int8"),
    "reference": torch_engine(Float32),
    "alone": torch_engine(Float32, alone=True),
    "float16": torch_engine(Float16),
}
SPEED = ("transformers", "nutgraf", "float32", "int8")
EXACTNESS = ("alone", "float16", "nutgraf", "float32", "int8")

if __name__ == "__main__":
    main()
