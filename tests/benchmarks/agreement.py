"""Agreement of the OpenVINO engine with the reference engine: greedy decoding, same weights, same articles.

The reference model reads each of OpenVINO's answers in one pass, which shows for each token whether it would have
chosen the same. For answers that differ, the reference engine generates its own. Prints the share of equal tokens and
of equal answers, and ROUGE of both engines.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from first_figures import processor
from transformers import AutoModelForCausalLM

from nutgraf_models.checkpoints import store
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card
from nutgraf_models.engines.base import Candidate, Engine, GenerationRequest, Row
from nutgraf_models.engines.openvino_engine import OpenVinoEngine, _Row
from nutgraf_models.engines.torch_engine import TorchEngine
from nutgraf_models.evaluation import scores
from nutgraf_models.evaluation.evaluate import ROUGE
from nutgraf_models.evaluation.references import ReferenceRow, read_references
from nutgraf_models.lengths import Length, Spec
from nutgraf_models.results import FinishReason
from nutgraf_models.text.normalize import normalize
from nutgraf_models.text.sentences import split


@dataclass(frozen=True)
class Written:
    prompt: list[int]
    tokens: list[int]
    finish: FinishReason


class Recording(OpenVinoEngine):
    """Keeps the generated tokens."""

    written: Written | None = None

    def _candidates(self, row: _Row) -> tuple[Candidate, ...]:
        tokens, finish = row.ended[0]
        self.written = Written(row.prompt, tokens, finish)
        return super()._candidates(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help='JSON lines with "article" and "reference"')
    parser.add_argument("--length", choices=("short", "long"), required=True)
    parser.add_argument("--limit", type=int, default=100, help="number of articles")
    parser.add_argument("--words", type=int, default=350, help="leading words per article")
    arguments = parser.parse_args()
    rows = read_references(arguments.data)[: arguments.limit]
    card = find_card(DEFAULT_MODEL)
    folder = store.pull(card)
    card = store.refine(card, folder)
    length = Length(arguments.length)
    row = Row(length, card.decoding.of(length), Spec(length).sentence_cap)
    fast, reference = Recording(card, folder), TorchEngine(card, folder)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    same_tokens = all_tokens = same_answers = 0
    overlaps: dict[str, list[list[float]]] = {"openvino": [], "torch": []}
    score = rouge()
    for one in rows:
        article = " ".join(normalize(one.article).text.split()[: arguments.words])
        request = GenerationRequest(article, (row,))
        text = answer(fast, request)
        assert fast.written is not None
        agreed = agreements(model, fast.written)
        same_tokens += sum(agreed)
        all_tokens += len(agreed)
        other = text
        if all(agreed):
            same_answers += 1
        else:
            other = answer(reference, request)
        overlaps["openvino"].append(score(one, text))
        overlaps["torch"].append(score(one, other))
    print(f"{os.cpu_count()} cores, {processor()}; {length.value}, {len(rows)} articles, {arguments.data.name}")
    print(f"tokens that the reference would write, too  {same_tokens / all_tokens:8.2%} of {all_tokens}")
    print(f"answers that are the same to the last one   {same_answers / len(rows):8.2%} of {len(rows)}")
    for engine, values in overlaps.items():
        means = "/".join(f"{scores.mean([value[place] for value in values]):.2f}" for place in range(len(ROUGE)))
        print(f"ROUGE-1/2/Lsum of {engine:10} {means:>30}")


def answer(engine: Engine, request: GenerationRequest) -> str:
    engine.submit(request)
    while not (completions := engine.step()):
        pass
    if completions[0].error is not None:
        raise completions[0].error
    return completions[0].rows[0][0].text


@torch.inference_mode()
def agreements(model: torch.nn.Module, written: Written) -> list[bool]:
    """Whether the model's likeliest token is the same, for each token of an answer and for its end."""
    ids = torch.tensor([written.prompt + written.tokens])
    likeliest = model(ids).logits[0, len(written.prompt) - 1 :].argmax(-1).tolist()
    agreed = [token == other for token, other in zip(written.tokens, likeliest, strict=False)]
    if written.finish is FinishReason.STOP:
        ends = model.generation_config.eos_token_id
        agreed.append(likeliest[-1] in (ends if isinstance(ends, list) else [ends]))
    return agreed


def rouge() -> Callable[[ReferenceRow, str], list[float]]:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE), use_stemmer=True)

    def lines(text: str) -> str:
        return "\n".join(sentence.text for sentence in split(normalize(text).text))

    def score(row: ReferenceRow, text: str) -> list[float]:
        return [100 * one.fmeasure for one in scorer.score(lines(row.reference), lines(text)).values()]

    return score


if __name__ == "__main__":
    main()
