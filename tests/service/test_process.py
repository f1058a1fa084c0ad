"""`nutgraf serve` as a process: signals, logs, errors at start."""

import fcntl
import json
import logging
import os
import signal
import socket
import sys
import threading

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf.v1.summarizer_pb2_grpc import SummarizerServiceStub
from nutgraf_service import logs
from support.articles import ARTICLE
from support.process import entry, running_python, serve, serve_engine

TIMEOUT = 60


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_ends_with_status_0(number):
    with serve("--model", "lead") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            request = pb.SummarizeRequest(text=ARTICLE)
            assert SummarizerServiceStub(channel).Summarize(request, timeout=TIMEOUT).summaries
        process.send_signal(number)
        entry(process, "stopped")
        assert process.wait(TIMEOUT) == 0


def test_a_second_signal_ends_at_once():
    with serve("--model", "lead", "--drain-grace", "600") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            more = threading.Event()

            def requests():
                # Long enough for the drain to last until the second signal.
                for number in range(400):
                    text = f"Day {number}. {ARTICLE * 300}"
                    yield pb.SummarizeManyRequest(request=pb.SummarizeRequest(text=text))
                more.wait(TIMEOUT)

            answers = SummarizerServiceStub(channel).SummarizeMany(requests(), timeout=TIMEOUT)
            next(answers)
            process.send_signal(signal.SIGTERM)
            entry(process, "draining")
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT) == -signal.SIGTERM
            more.set()
        assert "Traceback" not in process.stderr.read()


SLOW_TO_RETURN = """
import asyncio
import itertools
from nutgraf._cli.main import main
from nutgraf_service.servicer import Servicer

summarize_many = Servicer.SummarizeMany
iterations = itertools.count()

async def slow_to_return(self, requests, context):
    try:
        await summarize_many(self, requests, context)
    finally:
        for _ in range(next(iterations)):
            await asyncio.sleep(0)

Servicer.SummarizeMany = slow_to_return
main(["serve", "--model", "lead", "--port", "0", "--drain-grace", "0.1"])
"""


def test_calls_that_are_cancelled_at_the_end_of_the_grace_leave_no_traceback():
    # Each handler returns one iteration of the event loop later than the previous one, so that some of them return
    # just when the server ends.
    streams = 60
    with running_python("-c", SLOW_TO_RETURN) as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            more = threading.Event()

            def requests():
                yield from ()
                more.wait(TIMEOUT)

            stub = SummarizerServiceStub(channel)
            calls = [stub.SummarizeMany(requests(), timeout=TIMEOUT) for _ in range(streams)]
            assert all(call.initial_metadata() for call in calls)
            process.send_signal(signal.SIGTERM)
            output = process.communicate(timeout=TIMEOUT)[1]
            more.set()
        assert process.returncode == 0
    assert "Traceback" not in output
    logged = [json.loads(line)["message"] for line in output.splitlines()]
    assert logged.count("call") == streams
    assert logged[-1] == "stopped"


LOADING = """
import threading
import structlog
from nutgraf._cli.main import main
from nutgraf_service import model

def load():
    structlog.get_logger("nutgraf").info("loads")
    threading.Event().wait()

model.start_loading = lambda settings: load
main(["serve", "--model", "lead", "--port", "0"])
"""


def test_a_signal_ends_a_server_while_it_loads_its_model():
    with running_python("-c", LOADING) as process:
        entry(process, "loads")
        process.send_signal(signal.SIGTERM)
        output = process.communicate(timeout=TIMEOUT)[1]
        assert process.returncode == 0
    assert "Traceback" not in output


def test_an_unread_log_blocks_nothing():
    calls = 400
    with serve("--model", "lead") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        # The minimum size of a pipe; these calls would fill it many times.
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        with grpc.insecure_channel(address) as channel:
            stub = SummarizerServiceStub(channel)
            for _ in range(calls):
                assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries
        process.send_signal(signal.SIGTERM)
        logged = [json.loads(line)["message"] for line in process.stderr]
        assert process.wait(TIMEOUT) == 0
    assert logged.count("call") == calls
    assert logged[-1] == "stopped"


def test_excess_log_lines_are_dropped_and_counted(monkeypatch):
    monkeypatch.setattr(logs, "_BUFFERED_LINES", 3)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logs, "_FLUSH_SECONDS", 0.01)
    reader, end = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    with os.fdopen(reader) as lines, os.fdopen(end, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        before = structlog.get_config()
        try:
            flush = logs.configure_logs("info", "json")
            log = structlog.get_logger("nutgraf")
            for number in range(20):
                log.info("x" * 4000, number=number)
            flush()  # returns although nothing has been read
            seen = []
            while not seen or seen[-1]["message"] != "log lines dropped":
                seen.append(json.loads(lines.readline()))
        finally:
            structlog.configure(**before)
            logging.captureWarnings(False)
    assert 3 <= len(seen) - 1 < 20
    assert seen[-1]["lines"] == 20 - (len(seen) - 1)


def test_a_health_watch_does_not_delay_a_drain():
    with serve("--model", "lead", "--drain-grace", "600") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            process.send_signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert process.wait(TIMEOUT) == 0
            watch.cancel()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "no-such-model"], "no-such-model"),
        (["--port", "99999"], "port"),
        (["--max-queued-requests", "many"], "max_queued_requests"),
        *(
            ([f"--{name}", value], name.replace("-", "_"))
            for name, value in [
                *(("max-connection-age", value) for value in ("inf", "nan", "-1", "1e300", "3e6")),
                *((name, "inf") for name in ("drain-grace", "keepalive", "max-step-seconds", "max-item-timeout")),
                *((name, str(2**31)) for name in ("max-message-bytes", "max-concurrent-streams", "max-queued-tokens")),
            ]
        ),
        (["--host", "192.0.2.1", "--model", "lead"], "cannot listen on 192.0.2.1"),
    ],
)
def test_errors_at_start_are_reported_in_one_line(arguments, expected):
    with serve(*arguments) as process:
        output = process.communicate(timeout=TIMEOUT)[1]
        assert process.returncode == 1
    complaint = output.strip().splitlines()[-1]
    assert expected in complaint
    assert "Traceback" not in output


def test_a_port_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve("--model", "lead", "--port", port) as process:
            output = process.communicate(timeout=TIMEOUT)[1]
            assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in output


def test_a_metrics_port_in_use_is_reported():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with serve("--model", "lead", "--metrics-port", port) as process:
            output = process.communicate(timeout=TIMEOUT)[1]
            assert process.returncode == 1
    (complaint,) = output.splitlines()
    assert f"cannot listen on 127.0.0.1:{port} for metrics" in complaint


@pytest.mark.parametrize("option", ["--token-file", "--tls-certificate"])
def test_an_unreadable_file_is_reported(tmp_path, option):
    others = ("--tls-key", str(tmp_path)) if option == "--tls-certificate" else ()
    with serve("--model", "lead", option, str(tmp_path), *others) as process:
        output = process.communicate(timeout=TIMEOUT)[1]
        assert process.returncode == 1
    (complaint,) = output.splitlines()
    assert "cannot read" in complaint
    assert "directory" in complaint


def test_the_error_for_a_missing_model_says_how_to_fetch_it(tmp_path):
    with serve(NUTGRAF_HOME=str(tmp_path)) as process:
        output = process.communicate(timeout=TIMEOUT)[1]
        assert process.returncode == 1
    assert "nutgraf models pull smollm2-135m-nutgraf" in output


def test_flags_override_the_environment():
    with serve("--max-queued-requests", "3", NUTGRAF_MODEL="lead", NUTGRAF_MAX_QUEUED_REQUESTS="9") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            info = SummarizerServiceStub(channel).GetServerInfo(pb.GetServerInfoRequest(), timeout=TIMEOUT)
    assert (info.model, info.limits.max_queued_requests) == ("lead", 3)


HANGING = """
import threading

class Engine(LeadEngine):
    def step(self):
        if "hang" in next(iter(self._waiting.values())).article:
            print('{"message": "hangs"}', file=sys.stderr, flush=True)
            threading.Event().wait()
        return super().step()
"""


def test_a_hanging_engine_fails_its_calls_and_ends_the_process_with_status_1():
    with serve_engine(HANGING, "--max-step-seconds", "2") as process:
        address = entry(process, "listening")["address"]
        entry(process, "serving")
        with grpc.insecure_channel(address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            stub = SummarizerServiceStub(channel)
            assert stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT).summaries
            hanging = stub.Summarize.future(pb.SummarizeRequest(text=f"It will hang. {ARTICLE}"), timeout=TIMEOUT)
            entry(process, "hangs")
            behind = stub.Summarize.future(pb.SummarizeRequest(text=f"It will wait. {ARTICLE}"), timeout=TIMEOUT)
            for call in (hanging, behind):
                assert call.exception(TIMEOUT).code() is grpc.StatusCode.INTERNAL
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert process.wait(TIMEOUT) == 1
        assert "the engine has been in one step for more than 2 s" in process.stderr.read()
