"""Log entries from libraries, threads and Python itself, which must not quote articles or repeat endlessly."""

import json
import signal
from collections import Counter
from functools import partial

import grpc

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from support.process import Log, entry, serve_engine
from support.waiting import wait_for

TIMEOUT = 60
CALLS = 20
ARTICLE = "Mayor Quillfeather opened the bridge of Tarn on Monday. It had cost three million. Two ferries are sold."

# An engine in which libraries quote the article in warnings and errors of all kinds.
COMPLAINING = """
import asyncio, logging, threading, warnings

class Unraisable:
    def __init__(self, text):
        self.text = text
    def __del__(self):
        raise ValueError(self.text)

def fail(text):
    raise ValueError(text)

async def fail_later(text):
    fail(text)

class Engine(LeadEngine):
    def step(self):
        article = next(iter(self._waiting.values())).article
        logging.getLogger("some.library").error("cannot read %s", article)
        logging.getLogger("some.library").critical("cannot read " + article, stack_info=True)
        try:
            fail(article)
        except ValueError:
            logging.getLogger("another.library").exception(article)
        warnings.warn(article)
        Unraisable(article)
        thread = threading.Thread(target=fail, args=(article,))
        thread.start()
        thread.join()
        loop.call_soon_threadsafe(fail, article)
        asyncio.run_coroutine_threadsafe(fail_later(article), loop)
        return super().step()

bind = server.Server.bind
async def bind_and_tell(self):
    global loop
    loop = asyncio.get_running_loop()
    await bind(self)
server.Server.bind = bind_and_tell
"""


def test_other_log_entries_quote_no_article_and_repeated_ones_are_limited():
    with serve_engine(COMPLAINING) as process:
        address = entry(process, "listening")["address"]
        log = Log(process)
        with grpc.insecure_channel(address) as channel:
            stub = SummarizerServiceStub(channel)
            info = partial(stub.GetServerInfo, pb.GetServerInfoRequest(), timeout=TIMEOUT)
            wait_for(pb.SERVER_STATE_SERVING, lambda: info().state)
            for _ in range(CALLS):
                assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        text = log.text()
    for word in ("Quillfeather", "ferries", "Tarn", "Traceback"):
        assert word not in text
    entries = [json.loads(line) for line in text.splitlines()]
    assert [one["code"] for one in entries if one["message"] == "call"].count("OK") >= CALLS
    # One per source line of a library, since the warm-up.
    libraries = Counter(one["library"] for one in entries if one["message"] == "a library's error")
    assert libraries == {"some.library": 2, "another.library": 1, "asyncio": 1}
    (with_error,) = [one for one in entries if one.get("library") == "another.library"]
    assert with_error["error"] == "ValueError"
    assert any(frame.endswith(" fail") for frame in with_error["frames"])
    assert {"uncaught error in a thread", "unraisable error"} <= {one["message"] for one in entries}
