"""Ray Serve: dying, added and removed replicas, its own errors in terms of the contract, and its commands."""

import importlib.util
import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from nutgraf import Client, Spec
from nutgraf.v1 import summarizer_pb2 as pb
from nutgraf_service.ray_serve import HOOK
from nutgraf_service.settings import Settings
from support.articles import ARTICLE
from support.failures import Failure, as_done, failure
from support.process import running_python
from support.server import TIMEOUT
from support.stories import stories
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
ANYWHERE = ("--host", "0.0.0.0")


def story(number: int) -> str:
    return f"The mayor of town {number} opened a bridge on Friday. " + ARTICLE


def summary_of(number: int) -> str:
    return f"The mayor of town {number} opened a bridge on Friday."


def calls(folder: Path, method: str = "Summarize") -> list[int]:
    """The process IDs of the replicas with such calls, one per call."""
    return [int(file.name.split("-")[1]) for file in folder.glob(f"{method}-*")]


@pytest.mark.ray
def test_calls_of_a_killed_replica_are_retried(ray_host, tmp_path):
    from support.ray_host import HeldReplica

    ray_host.deploy(HeldReplica, tmp_path, autoscaling_config=None, num_replicas=2)
    with ThreadPoolExecutor(10) as pool, Client(ray_host.address, timeout=TIMEOUT) as client:
        stream = pool.submit(lambda: list(client.summarize_many([story(number) for number in range(20)])))
        wait_until(lambda: len(calls(tmp_path, "SummarizeMany")) == 1)
        (killed,) = calls(tmp_path, "SummarizeMany")
        unary = [pool.submit(client.summarize, story(number)) for number in range(8)]
        wait_until(lambda: len(calls(tmp_path)) == 8)
        lost = calls(tmp_path).count(killed)
        assert 0 < lost < 8
        os.kill(killed, signal.SIGKILL)
        # Its calls are retried by the other replica.
        wait_until(lambda: len(calls(tmp_path, "SummarizeMany")) == 2 and len(calls(tmp_path)) == 8 + lost)
        (tmp_path / "open").touch()
        answers = stream.result(TIMEOUT)
        assert [answer.index for answer in answers] == list(range(20))
        assert [answer.result.short.text for answer in answers] == [summary_of(number) for number in range(20)]
        assert [one.result(TIMEOUT).short.text for one in unary] == [summary_of(number) for number in range(8)]


@pytest.mark.ray
def test_errors_of_serve_have_the_contracts_reasons(ray_host, tmp_path):
    from support.ray_host import HeldReplica

    token = tmp_path / "token"
    token.write_text("open-sesame\n")
    (tmp_path / "calls").mkdir()
    ray_host.deploy(
        HeldReplica,
        tmp_path / "calls",
        settings=Settings(model="lead", token_file=token, cache_bytes=0),
        autoscaling_config=None,
        num_replicas=1,
        max_ongoing_requests=2,
        max_queued_requests=1,
    )
    request = pb.SummarizeRequest(text=ARTICLE)
    options = {"metadata": [("authorization", "Bearer open-sesame")], "timeout": TIMEOUT}
    with ray_host.stub() as stub:
        assert failure(lambda: stub.Summarize(request, timeout=TIMEOUT)).info.reason == "UNAUTHENTICATED"
        many = stub.SummarizeMany(iter([pb.SummarizeManyRequest(request=request)]), timeout=TIMEOUT)
        answers = []
        assert failure(lambda: answers.extend(many)).info.reason == "UNAUTHENTICATED"
        assert answers == []
        for file in (tmp_path / "calls").iterdir():
            file.unlink()

        # One after the other: of two calls at the same time, the second finds the queue, which holds one, full.
        stream = stub.SummarizeMany(iter([pb.SummarizeManyRequest(request=request)]), **options)
        wait_until(lambda: calls(tmp_path / "calls", "SummarizeMany"))
        one = stub.Summarize.future(request, **options)
        wait_until(lambda: calls(tmp_path / "calls"))
        # Of two more, one waits in the proxy, and the other is refused.
        waiting = [stub.Summarize.future(request, **options) for _ in range(2)]
        refused = next(as_done(waiting))
        full = Failure(rpc_status.from_call(refused))
        assert full.info.reason == "QUEUE_FULL"
        assert full.retry_after > 0
        (waiting_one,) = [other for other in waiting if other is not refused]

        os.kill(calls(tmp_path / "calls")[0], signal.SIGKILL)
        for failed in (failure(one.result), failure(lambda: list(stream))):
            assert failed.info.reason == "DRAINING"
            assert failed.retry_after > 0
            assert "Error" not in failed.message
        # The call in the proxy goes to the replica that replaces the killed one.
        (tmp_path / "calls" / "open").touch()
        assert waiting_one.result().summaries


@pytest.mark.ray
def test_autoscaling_answers_every_call(ray_host, tmp_path):
    from support.ray_host import HeldReplica

    scaling = {
        **{"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 2},
        **{"upscale_delay_s": 0.2, "downscale_delay_s": 0.5, "metrics_interval_s": 0.1, "look_back_period_s": 0.5},
    }
    ray_host.deploy(HeldReplica, tmp_path, autoscaling_config=scaling)
    assert ray_host.replicas == 1
    with ThreadPoolExecutor(8) as pool, Client(ray_host.address, timeout=TIMEOUT) as client:
        load = [pool.submit(client.summarize, story(number)) for number in range(8)]
        wait_until(lambda: ray_host.replicas == 2)
        (tmp_path / "open").touch()
        assert [one.result(TIMEOUT).short.text for one in load] == [summary_of(number) for number in range(8)]

        def is_small_again() -> bool:
            assert client.summarize(story(1)).short.text == summary_of(1)
            return ray_host.replicas == 1

        wait_until(is_small_again)


def code_of(stub) -> grpc.StatusCode:
    return stub.GetServerInfo.future(pb.GetServerInfoRequest(), timeout=TIMEOUT).code()


@pytest.mark.ray
@pytest.mark.parametrize("grace", [30.0, 0.2])
def test_a_removed_replica_completes_its_calls_within_its_grace(ray_host, tmp_path, grace):
    from support.ray_host import HeldReplica

    settings = Settings(model="lead", drain_grace=grace, cache_bytes=0)
    ray_host.deploy(HeldReplica, tmp_path, settings=settings, autoscaling_config=None, num_replicas=1)
    with ray_host.stub() as stub, ThreadPoolExecutor(1) as pool:
        # Less than the default grace of Serve.
        request, timeout = pb.SummarizeRequest(text=ARTICLE), 15
        accepted = stub.Summarize.future(request, timeout=timeout)
        stream = stub.SummarizeMany(iter([pb.SummarizeManyRequest(id="a", request=request)]), timeout=timeout)
        wait_until(lambda: len(calls(tmp_path)) == len(calls(tmp_path, "SummarizeMany")) == 1)
        removed = pool.submit(ray_host.remove)
        wait_until(lambda: code_of(stub) is grpc.StatusCode.UNAVAILABLE)
        info = pb.GetServerInfoRequest()
        assert failure(lambda: stub.GetServerInfo(info, timeout=TIMEOUT)).info.reason == "LOADING"
        if grace < 1:
            for failed in (failure(accepted.result), failure(lambda: list(stream))):
                assert failed.info.reason == "DRAINING"
        else:
            assert not accepted.done()
            (tmp_path / "open").touch()
            assert accepted.result().summaries
            assert [answer.id for answer in stream] == ["a"]
        removed.result(TIMEOUT)


@pytest.mark.ray
def test_a_replica_receives_the_request_id_and_the_deadline(gated_ray):
    request = pb.SummarizeRequest(text=ARTICLE)
    with gated_ray.stub() as stub:
        call = stub.Summarize.with_call(request, timeout=50.0)[1]
        seen = gated_ray.ask("seen")
        assert 20 < float(seen["remaining"]) <= 50
        assert seen["request_id"] == dict(call.initial_metadata())["x-request-id"]
        stub.Summarize(request, metadata=[("nutgraf-time-remaining", "for ever")])
        assert gated_ray.ask("seen")["remaining"] == ""


@pytest.mark.ray
def test_an_unexpected_error_is_internal_without_its_message(gated_ray):
    gated_ray.ask("fail_next", RuntimeError("cannot cope with Velda Quorn"))
    with gated_ray.stub() as stub:
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT))
        assert failed.info.reason == "INTERNAL"
        assert len(failed.info.metadata["error_id"]) == 32
        assert "Velda" not in failed.message


@pytest.mark.ray
def test_health_is_the_replicas_and_watch_the_proxys(gated_ray):
    with grpc.insecure_channel(gated_ray.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for service in ("", "nutgraf.v1.SummarizerService"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert stub.Check(request, timeout=TIMEOUT).status == health_pb2.HealthCheckResponse.SERVING
            watch = stub.Watch(request, timeout=TIMEOUT)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            watch.cancel()
        with pytest.raises(grpc.RpcError) as caught:
            stub.Check(health_pb2.HealthCheckRequest(service="other"), timeout=TIMEOUT)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.ray
def test_a_replica_with_a_hanging_engine_fails_its_calls_and_is_replaced(ray_host, tmp_path):
    from support.ray_host import HeldReplica

    settings = Settings(model="lead", max_step_seconds=0.3, drain_grace=1.0, cache_bytes=0)
    ray_host.deploy(HeldReplica, tmp_path, settings=settings, autoscaling_config=None, num_replicas=1)
    (tmp_path / "hang").touch()
    (tmp_path / "open").touch()
    with ray_host.stub() as stub, Client(ray_host.address, timeout=TIMEOUT) as client:
        failed = failure(lambda: stub.Summarize(pb.SummarizeRequest(text=ARTICLE), timeout=TIMEOUT))
        assert failed.info.reason == "INTERNAL"
        (tmp_path / "hang").unlink()
        assert client.summarize(story(1)).short.text == summary_of(1)
    assert len(set(calls(tmp_path))) == 2


@pytest.mark.ray
def test_calls_of_a_killed_engine_are_answered(ray_host, tmp_path):
    from support.ray_host import KillableReplica
    from support.tiny_llama import pulled_smollm, write_card

    card = write_card(pulled_smollm(tmp_path / "smollm"), tmp_path / "small.toml")
    # With one thread, OpenVINO divides by zero in a model as small as this on processors with AMX.
    settings = Settings(model=str(card), engine="openvino", threads=2, cache_bytes=0)
    ray_host.deploy(KillableReplica, settings=settings, autoscaling_config=None, num_replicas=1)
    articles = [" ".join(one) for one in stories(8, seed=4)]
    with Client(ray_host.address, timeout=TIMEOUT, retry_seconds=0.0) as client, ThreadPoolExecutor() as pool:
        asked = [Spec("long", max_words=20)]
        before = [client.summarize(article, summaries=asked).long.text for article in articles]
        calls_of = [pool.submit(client.summarize, article, summaries=asked) for article in articles]
        ray_host.ask("kill_engine")
        assert [call.result().long.text for call in calls_of] == before


@pytest.fixture
def gated_ray(ray_host):
    ray_host.deploy_gated()
    return ray_host


def said(process, what: str) -> dict:
    """The next log entry with this message, among the output of Ray."""
    for line in process.stderr:
        if f'"message": "{what}"' in line:
            return json.loads(line[line.index("{") :])
    raise AssertionError(f"it ended without {what!r}")


@pytest.mark.ray
def test_the_command_serves_and_ends_with_status_0():
    with running_python("-m", "nutgraf", "serve", "--ray", *ANYWHERE, "--port", "0", "--model", "lead") as process:
        address = said(process, "listening")["address"].replace("0.0.0.0", "127.0.0.1")
        with Client(address, timeout=TIMEOUT) as client:
            assert client.check_health()
            assert client.summarize(story(1)).short.text == summary_of(1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


@pytest.mark.ray
def test_the_packaged_config_can_be_deployed(ray_host, tmp_path):
    text = (ROOT / "service/deploy/ray.yaml").read_text(encoding="utf-8")
    # This test's cluster already has its ports, by the same hook.
    assert f"- {HOOK}\n" in text
    assert text.count("model: smollm2-135m-nutgraf") == 1
    config = tmp_path / "ray.yaml"
    config.write_text(text.replace("model: smollm2-135m-nutgraf", "model: lead"), encoding="utf-8")
    ray_host.remove()
    command = ("-m", "ray.serve.scripts", "run", str(config), "--non-blocking", "--address", ray_host.cluster)
    with running_python(*command) as process, Client(ray_host.address, timeout=TIMEOUT) as client:
        said = process.stderr.read()
        assert process.wait(TIMEOUT) == 0, said
        assert client.summarize(story(1)).short.text == summary_of(1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "listens on every address"),
        ([*ANYWHERE, "--tls-key", "key.pem", "--metrics-port", "0"], "does not support --tls-key, --metrics-port"),
    ],
)
def test_unsupported_flags_are_refused(flags, message):
    with running_python("-m", "nutgraf", "serve", "--ray", *flags) as process:
        assert message in process.stderr.read()
        assert process.wait(TIMEOUT) == 1


@pytest.mark.ray
def test_errors_are_reported_before_a_cluster_starts():
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        for flags, message in (
            (["--port", port, "--model", "lead"], f"cannot listen on port {port}"),
            (["--port", "0", "--model", "nobody-knows-it"], "no model 'nobody-knows-it'"),
        ):
            with running_python("-m", "nutgraf", "serve", "--ray", *ANYWHERE, *flags) as process:
                said = process.stderr.read()
                assert message in said
                assert "Traceback" not in said
                assert process.wait(TIMEOUT) == 1


@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_the_command_says_what_to_install():
    with running_python("-m", "nutgraf", "serve", "--ray", *ANYWHERE) as process:
        assert "pip install 'nutgraf-server[ray]'" in process.stderr.read()
        assert process.wait(TIMEOUT) == 1
