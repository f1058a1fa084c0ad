"""No error or log entry discloses an article, a token, or a path of the server, whatever a caller does wrong."""

import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_service.errors import CODES
from support.process import Log, entry, serve_engine
from support.waiting import wait_for

TIMEOUT = 60
TOKEN, WRONG_TOKEN = "tok-velvet-harpsichord", "tok-crimson-abacus"
# For the text, the title, the id of an item, and a summary to check.
CANARIES = ("Quillfeather", "Marzipan", "Obsidian", "Peppercorn")
ARTICLE = (
    "Mayor Quillfeather opened the bridge of Tarn on Monday, a year after the flood. It had cost three million. "
    "The old one, said Quillfeather, had stood for a century. Two ferries are to be sold next spring."
)
# At least three parts, unlike methods and message types.
A_PATH = re.compile(r"(?<![\w./:])/[\w.-]+/[\w.-]+/[\w.-]+")

# The lead model, which loads when a pipe is opened, and never completes, or fails, if the article says so.
ENGINE = """
import threading, time
from pathlib import Path

class Engine(LeadEngine):
    def __init__(self):
        super().__init__()
        Path(PIPE).read_text()

    def count_tokens(self, texts):
        if threading.current_thread().name.startswith("nutgraf-check") and "BREAK" in texts[0]:
            raise ValueError("cannot check " + texts[0])
        return super().count_tokens(texts)

    def step(self):
        article = next(iter(self._waiting.values())).article
        if "BREAK" in article:
            raise RuntimeError("cannot cope with " + article)
        if "WAIT" in article:
            time.sleep(0.005)
            return []
        return super().step()
"""
FLAGS = "--max-queued-requests 0 --max-text-characters 2000 --max-message-bytes 9000 --cache-bytes 0"
FLAGS += " --max-summary-characters 2000"


class Told:
    """The reasons and all texts that callers have received, including packed details."""

    def __init__(self) -> None:
        self.reasons: set[str] = set()
        self.words: list[str] = []

    def failed(self, call: Callable[[], object]) -> str | None:
        """Makes a call; returns its error reason, or None if it succeeds or gRPC itself fails it."""
        try:
            call()
        except grpc.RpcError as error:
            self.words += [error.details() or "", repr(error.trailing_metadata()), repr(error.initial_metadata())]
            status = rpc_status.from_call(error)
            return None if status is None else self.told(status)
        return None

    def told(self, status: status_pb2.Status) -> str:
        self.words.append(str(status))
        info = error_details_pb2.ErrorInfo()
        status.details[0].Unpack(info)
        self.reasons.add(info.reason)
        return info.reason


def spec(**caps: int) -> pb.SummarySpec:
    return pb.SummarySpec(**{"length": pb.SUMMARY_LENGTH_SHORT, **caps})  # type: ignore[arg-type]


BAD_REQUESTS = [
    pb.SummarizeRequest(text=f"<p> </p><script>{CANARIES[0]}</script>", title=CANARIES[1]),
    pb.SummarizeRequest(text=ARTICLE * 20, title=CANARIES[1]),
    pb.SummarizeRequest(text=ARTICLE, title=CANARIES[1] * 300),
    pb.SummarizeRequest(text=ARTICLE, title=CANARIES[1], summaries=[spec(length=0)]),
    pb.SummarizeRequest(text=ARTICLE, title=CANARIES[1], summaries=[spec(), spec()]),
    pb.SummarizeRequest(text=ARTICLE, title=CANARIES[1], summaries=[spec(max_words=1)]),
    pb.SummarizeRequest(text=f"BREAK. {ARTICLE}", title=CANARIES[1]),
    pb.SummarizeRequest(text=ARTICLE * 60),  # over gRPC's limit
]
BAD_CHECKS = [
    pb.CheckSummaryRequest(text=ARTICLE, title=CANARIES[1], summary=f"<p> </p><script>{CANARIES[3]}</script>"),
    pb.CheckSummaryRequest(text=ARTICLE, title=CANARIES[1], summary=CANARIES[3] * 400),
    pb.CheckSummaryRequest(text=ARTICLE, title=CANARIES[1], summary=CANARIES[3], support_threshold=7),
    pb.CheckSummaryRequest(text=f"BREAK. {ARTICLE}", title=CANARIES[1], summary=f"{CANARIES[3]} resigned."),
]
WAITING = pb.SummarizeRequest(text=f"WAIT. {ARTICLE}", title=CANARIES[1])
BAD_ITEMS = [
    pb.SummarizeManyRequest(id=CANARIES[2] * 40, request=pb.SummarizeRequest(text=ARTICLE)),
    pb.SummarizeManyRequest(id="1", request=WAITING, item_timeout=duration_pb2.Duration(seconds=-1)),
    pb.SummarizeManyRequest(id="2", request=WAITING, item_timeout=duration_pb2.Duration(nanos=50_000_000)),
    *(pb.SummarizeManyRequest(id=str(number), request=bad) for number, bad in enumerate(BAD_REQUESTS[:-1], 3)),
]


def test_no_error_and_no_log_entry_tells_an_article_a_token_or_a_path(tmp_path: Path) -> None:
    pipe, tokens = tmp_path / "load", tmp_path / "tokens"
    os.mkfifo(pipe)
    tokens.write_text(f"{TOKEN}\n")
    headers = [("authorization", f"Bearer {TOKEN}")]
    told = Told()
    with serve_engine(ENGINE, *FLAGS.split(), "--token-file", str(tokens), PIPE=str(pipe)) as process:
        with grpc.insecure_channel(entry(process, "listening")["address"]) as channel:
            stub = SummarizerServiceStub(channel)
            good = partial(stub.Summarize, pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT)
            assert told.failed(partial(good, metadata=headers)) == "LOADING"
            pipe.write_text("now")
            entry(process, "serving")
            log = Log(process)
            for metadata in ([], [("authorization", f"Bearer {WRONG_TOKEN}")], [("authorization", TOKEN)]):
                assert told.failed(partial(good, metadata=metadata)) == "UNAUTHENTICATED"
            for request in BAD_REQUESTS:
                told.failed(partial(stub.Summarize, request, metadata=headers, timeout=TIMEOUT))
            for check in BAD_CHECKS:
                told.failed(partial(stub.CheckSummary, check, metadata=headers, timeout=TIMEOUT))
            for answer in stub.SummarizeMany(iter(BAD_ITEMS), metadata=headers, timeout=TIMEOUT):
                told.told(answer.error)
            for method in ("Summarize", "SummarizeMany", "CheckSummary", CANARIES[0]):
                raw = channel.stream_stream(f"/nutgraf.v1.SummarizerService/{method}")
                data = ARTICLE.encode()
                told.failed(lambda raw=raw, data=data: list(raw(iter([data]), metadata=headers, timeout=TIMEOUT)))
            waiting = stub.Summarize.future(WAITING, metadata=headers, timeout=TIMEOUT)
            wait_for("QUEUE_FULL", lambda: told.failed(partial(good, metadata=headers)))
            told.failed(partial(stub.Summarize, WAITING, metadata=headers, timeout=0.05))
            waiting.cancel()
            over = Event()
            # Sends nothing until its end.
            stream = stub.SummarizeMany(iter(lambda: over.wait(TIMEOUT), True), metadata=headers, timeout=TIMEOUT)
            stream.initial_metadata()
            process.send_signal(signal.SIGTERM)
            assert told.failed(partial(next, stream)) == "DRAINING"
            over.set()
        assert process.wait(TIMEOUT) == 0
        logged = log.text()
    assert told.reasons == set(CODES)
    assert '"reason": "DRAINING"' in logged
    assert '"error": "RuntimeError"' in logged
    assert '"error": "ValueError"' in logged
    for words in (logged, *told.words):
        for secret in (*CANARIES, TOKEN, WRONG_TOKEN):
            assert secret not in words
        assert not A_PATH.search(words)
    assert not any(".py" in words for words in told.words)
