"""A peer for `peers.py`: a minimal gRPC handler around transformers' `generate`.

It implements the contract for one article at a time, without checks: python handler.py FOLDER PORT
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceServicer, add_SummarizerServiceServicer_to_server
from nutgraf_models.checkpoints.registry import DEFAULT_MODEL, find_card
from nutgraf_models.lengths import Length
from nutgraf_models.runtime.precision import best_device, multiplies_bfloat16

CARD = find_card(DEFAULT_MODEL)


class Handler(SummarizerServiceServicer):
    def __init__(self, folder: str) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        device = best_device()
        dtype = torch.bfloat16 if multiplies_bfloat16() else torch.float32
        self._model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()

    def Summarize(self, request: pb.SummarizeRequest, context: Any) -> pb.SummarizeResponse:
        return pb.SummarizeResponse(
            model=CARD.id,
            summaries=[
                pb.Summary(length=kind, text=self._write(request.text, length))
                for kind, length in ((pb.SUMMARY_LENGTH_SHORT, Length.SHORT), (pb.SUMMARY_LENGTH_LONG, Length.LONG))
            ],
        )

    def _write(self, article: str, length: Length) -> str:
        prompt = CARD.prompt.before + article + CARD.prompt.after(length)
        inputs = self._tokenizer(prompt, return_tensors="pt", add_special_tokens=False).to(self._model.device)
        with torch.inference_mode():
            most = CARD.decoding.of(length).max_new_tokens
            output = self._model.generate(**inputs, max_new_tokens=most, do_sample=False)
        text: str = self._tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        return text


def main() -> None:
    folder, port = sys.argv[1:]
    server = grpc.server(ThreadPoolExecutor(1))
    add_SummarizerServiceServicer_to_server(Handler(folder), server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
