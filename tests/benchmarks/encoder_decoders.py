"""Decoding speed of encoder-decoders, on the same random weights with the shape of distilbart-cnn-12-6.

All ways read articles of the same number of tokens and generate the same number of tokens:

  transformers   `generate`, one batch
  nutgraf        the torch engine, all requests at once
  float32, int8  CTranslate2, one batch; skipped unless installed (pip install ctranslate2)

The ways alternate in each round. "CPU s" is the CPU time per article, which depends less on other load than the wall
time; compare it with one thread (OMP_NUM_THREADS=1), because waiting threads use CPU time too. `--profile` instead
prints a time profile of one batch in the torch engine.
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
from pathlib import Path
from typing import Any

import torch
from first_figures import processor
from transformers import AutoModelForSeq2SeqLM, BartConfig, BartForConditionalGeneration
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).parents[1]))
from checkpoints import checkpoint
from nutgraf_models.checkpoints.card import Decoding
from nutgraf_models.checkpoints.registry import find_card
from nutgraf_models.engines.base import GenerationRequest, Row
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.lengths import Length

VOCABULARY = 50264
# Maps article tokens (articles, in) to generated tokens (articles, out).
Way = Callable[[list[list[int]], int, int], list[list[int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="the first is the baseline")
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens-in", type=int, default=512)
    parser.add_argument("--tokens-out", type=int, default=64)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    transformers_logging.disable_progress_bar()
    print(
        f"{torch.get_num_threads()} threads, {processor()}; {arguments.tokens_in} tokens in, {arguments.tokens_out} out"
    )
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        if arguments.profile:
            profile(Path(folder), arguments)
            return
        ways = {name: WAYS[name](Path(folder)) for name in arguments.ways}
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
            written[name] = way(articles, beams, arguments.tokens_out)
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


def build(folder: Path) -> None:
    """A checkpoint with the shape of distilbart-cnn-12-6 and the tokenizer of a small one."""
    for file in checkpoint("bart").iterdir():
        if file.name not in ("config.json", "model.safetensors", "generation_config.json"):
            shutil.copyfile(file, folder / file.name)
    torch.manual_seed(0)
    # Wide initialization makes the output depend on the input and on previous tokens.
    config = BartConfig(vocab_size=VOCABULARY, encoder_layers=12, decoder_layers=6, init_std=0.05)
    # CTranslate2's converter needs this attribute, which transformers has removed.
    config.normalize_before, config.normalize_embedding = False, True
    config.architectures = ["BartForConditionalGeneration"]
    model = BartForConditionalGeneration(config)
    model.generation_config.update(decoder_start_token_id=2, eos_token_id=2, forced_eos_token_id=None)
    model.save_pretrained(folder)


def some_articles(count: int, tokens: int, seed: int) -> list[list[int]]:
    rng = random.Random(seed)
    return [[0, *(rng.randrange(4, VOCABULARY) for _ in range(tokens - 2)), 2] for _ in range(count)]


def transformers(folder: Path) -> Way:
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()

    def write(articles: list[list[int]], beams: int, out: int) -> list[list[int]]:
        settings = {"num_beams": beams, "min_new_tokens": out, "max_new_tokens": out, "early_stopping": True}
        with torch.inference_mode():
            tokens: list[list[int]] = model.generate(torch.tensor(articles), do_sample=False, **settings).tolist()
        return [one[1:] for one in tokens]

    return write


def nutgraf(folder: Path) -> Way:
    engine = TorchEngine(find_card(str(folder)), folder)

    def write(articles: list[list[int]], beams: int, out: int) -> list[list[int]]:
        # Inputs and outputs are numbers: the tokenizer is too small for this vocabulary.
        tokens: Any = engine._tokens
        tokens.encode = lambda text, special: articles[int(text)]
        tokens.decode = lambda ids: " ".join(map(str, ids))
        tokens.stop_rule = lambda row: lambda ids: False
        decoding = Decoding(min_new_tokens=out, max_new_tokens=out, num_beams=beams, early_stopping=True)
        row = Row(Length.LONG, decoding, 1000)
        handles = [engine.submit(GenerationRequest(str(index), (row,))) for index in range(len(articles))]
        done = {}
        while len(done) < len(handles):
            done |= {completion.handle: completion for completion in engine.step()}
        for completion in done.values():
            if completion.error:
                raise completion.error
        return [[int(token) for token in done[handle].rows[0][0].text.split()] for handle in handles]

    return write


def ctranslate2(precision: str) -> Callable[[Path], Way | None]:
    def load(folder: Path) -> Way | None:
        if importlib.util.find_spec("ctranslate2") is None:
            print("ctranslate2 is not installed")
            return None
        import ctranslate2

        made = folder / "ctranslate2"
        if not made.exists():
            convert(folder, made)
        threads = torch.get_num_threads()
        translator = ctranslate2.Translator(str(made), compute_type=precision, intra_threads=threads)

        def write(articles: list[list[int]], beams: int, out: int) -> list[list[int]]:
            results = translator.translate_batch(
                [[str(token) for token in article] for article in articles],
                beam_size=beams,
                min_decoding_length=out,
                max_decoding_length=out,
                max_batch_size=len(articles),
            )
            return [[int(token) for token in result.hypotheses[0]] for result in results]

        return write

    return load


def convert(folder: Path, made: Path) -> None:
    """Converts to CTranslate2, which needs a tokenizer of the model's size; here a token's name is its number."""
    from ctranslate2.converters import TransformersConverter
    from ctranslate2.converters.transformers import BartLoader, register_loader

    class Loader(BartLoader):  # type: ignore[misc]
        def get_vocabulary(self, model: Any, tokenizer: Any) -> list[str]:
            return [str(index) for index in range(VOCABULARY)]

        def set_vocabulary(self, spec: Any, tokens: list[str]) -> None:
            spec.register_source_vocabulary(tokens)
            spec.register_target_vocabulary(tokens)

        def set_config(self, config: Any, model: Any, tokenizer: Any) -> None:
            config.bos_token, config.eos_token, config.unk_token = "0", "2", "3"
            config.decoder_start_token = "2"

    register_loader("BartConfig")(Loader)
    TransformersConverter(str(folder)).convert(str(made))


def profile(folder: Path, arguments: argparse.Namespace) -> None:
    write = nutgraf(folder)
    for beams in arguments.beams:
        for batch in arguments.batches:
            articles = some_articles(batch, arguments.tokens_in, seed=0)
            started = time.perf_counter()
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
                write(articles, beams, arguments.tokens_out)
            print(f"\n{beams} beams, batch {batch}: {time.perf_counter() - started:.1f} s")
            print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=16, max_name_column_width=40))


WAYS: dict[str, Callable[[Path], Way | None]] = {
    "transformers": transformers,
    "nutgraf": nutgraf,
    "float32": ctranslate2("float32"),
    "int8": ctranslate2("int8"),
}

if __name__ == "__main__":
    main()
