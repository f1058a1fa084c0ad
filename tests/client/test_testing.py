"""`nutgraf.testing`: the fake clients behave like the real ones."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import AsyncIterator

import pytest

from nutgraf import (
    Article,
    AsyncClient,
    Client,
    InvalidArticle,
    Length,
    Origin,
    Overloaded,
    ServerState,
    Spec,
    Unavailable,
    Verdict,
)
from nutgraf.testing import Call, FakeAsyncClient, FakeClient, lead_result

TEXT = "Rain fell. “It was wet!” Roads closed in 3.5 hours. Trains stopped? Nobody knows."


def public(kind: type) -> dict[str, object]:
    return {
        name: member
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_") or name in ("__enter__", "__exit__", "__aenter__", "__aexit__")
    }


@pytest.mark.parametrize(("real", "fake"), [(Client, FakeClient), (AsyncClient, FakeAsyncClient)])
def test_the_fakes_have_the_clients_methods_and_signatures(real: type, fake: type) -> None:
    assert set(public(real)) == set(public(fake))
    for name, member in public(real).items():
        if callable(member):
            assert inspect.signature(member) == inspect.signature(getattr(fake, name)), name


def test_both_clients_have_the_same_methods() -> None:
    for name in ("summarize", "summarize_many", "check", "server_info", "check_health", "close", "__init__"):
        one, other = inspect.signature(getattr(Client, name)), inspect.signature(getattr(AsyncClient, name))
        assert list(one.parameters) == list(other.parameters), name
        assert [p.default for p in one.parameters.values()] == [p.default for p in other.parameters.values()], name


def test_the_summary_is_the_lead() -> None:
    client = FakeClient()
    result = client.summarize(TEXT)
    assert result.short is not None
    assert result.long is not None
    assert result.short.text == "Rain fell."
    assert result.long.text == "Rain fell. “It was wet!” Roads closed in 3.5 hours."
    assert [source.text for sentence in result.long.sentences for source in sentence.sources] == [
        sentence.text for sentence in result.long.sentences
    ]
    assert client.summarize(TEXT) == result
    assert result.origin is Origin.RUN
    assert client.summarize(TEXT, summaries=Spec("long", max_sentences=2)).summaries[0].text.endswith("wet!”")


def test_calls_are_recorded() -> None:
    with FakeClient() as client:
        client.summarize(TEXT, title="T", summaries="short", request_id="r")
        list(client.summarize_many(["One.", Article("Two.", id="x")]))
        client.check(TEXT, "It rained.", title="T", request_id="c")
        client.server_info()
    assert client.calls == [
        Call("summarize", Article(TEXT, "T"), "short", "r"),
        Call("summarize_many", Article("One.")),
        Call("summarize_many", Article("Two.", id="x")),
        Call("check", Article(TEXT, "T"), request_id="c", summary="It rained."),
        Call("server_info"),
    ]
    with pytest.raises(RuntimeError, match="closed"):
        client.summarize(TEXT)
    with pytest.raises(RuntimeError, match="closed"):
        client.check(TEXT, "It rained.")


def test_a_check_compares_words() -> None:
    client = FakeClient()
    summary = "Roads closed, rain fell. Trains killed nobody.\n🎈"
    result = client.check(TEXT, summary, request_id="r")
    assert [(one.text, one.verdict) for one in result.sentences] == [
        ("Roads closed, rain fell.", Verdict.SUPPORTED),
        ("Trains killed nobody.", Verdict.DOUBTED),
        ("🎈", Verdict.NO_CLAIM),
    ]
    assert [one.support for one in result.sentences] == [1.0, pytest.approx(2 / 3), 1.0]
    assert [source.text for one in result.sentences for source in one.sources] == [
        "Rain fell.",
        "Trains stopped?",
    ]
    assert (result.verdict, result.support) == (Verdict.DOUBTED, result.sentences[1].support)
    assert result.support_threshold == pytest.approx(client.info.check_support_threshold)
    assert (result.summary, result.request_id, result.article.character_count) == (summary, "r", len(TEXT))
    assert client.check(TEXT, summary, support_threshold=0.5).is_supported
    assert client.check(TEXT, "Nils fell.", title="Nils").is_supported
    assert client.check(TEXT, "🎈").verdict is Verdict.NO_CLAIM


def test_an_overlong_article_is_refused_as_by_a_server() -> None:
    client = FakeClient()
    limits = client.info.limits
    for text, title, reason, field in (
        ("x" * (limits.max_text_characters + 1), "", "TEXT_TOO_LONG", "text"),
        (TEXT, "x" * (limits.max_title_characters + 1), "TITLE_TOO_LONG", "title"),
    ):
        with pytest.raises(InvalidArticle) as caught:
            client.summarize(text, title=title)
        assert (caught.value.reason, caught.value.details[0][0]) == (reason, field)


def test_an_invalid_check_is_refused_as_by_a_server() -> None:
    client = FakeClient()
    limits = client.info.limits
    for arguments, reason, field in (
        ((" ", "It rained."), "EMPTY_TEXT", "text"),
        ((TEXT, "\n"), "EMPTY_SUMMARY", "summary"),
        ((TEXT, "x" * (limits.max_summary_characters + 1)), "SUMMARY_TOO_LONG", "summary"),
        (("x" * (limits.max_text_characters + 1), "It rained."), "TEXT_TOO_LONG", "text"),
    ):
        with pytest.raises(InvalidArticle) as caught:
            client.check(*arguments)
        assert (caught.value.reason, caught.value.details[0][0]) == (reason, field)
    assert (caught.value.limit, caught.value.size) == (limits.max_text_characters, limits.max_text_characters + 1)
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidArticle) as caught:
            client.check(TEXT, "It rained.", support_threshold=threshold)
        assert (caught.value.reason, caught.value.details[0][0]) == ("BAD_THRESHOLD", "support_threshold")
    with pytest.raises(InvalidArticle, match="surrogate"):
        client.check(TEXT, "\ud83d")
    with pytest.raises(TypeError, match="summary"):
        client.check(TEXT, None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="timeout"):
        client.check(TEXT, "It rained.", timeout=0)
    with pytest.raises(Overloaded):
        FakeClient(errors=[Overloaded("full")]).check(TEXT, "It rained.")


def test_errors_are_raised_in_turn() -> None:
    client = FakeClient(errors=[Overloaded("full", retry_after=1.0), None, Unavailable("gone")])
    with pytest.raises(Overloaded):
        client.summarize(TEXT)
    found = list(client.summarize_many(["One.", "Two.", "Three."]))
    assert [type(one.error) for one in found] == [type(None), Unavailable, type(None)]


def test_given_answers() -> None:
    given = lead_result("Given. Answer.", summaries="short")
    client = FakeClient(lambda article: given)
    assert client.summarize(TEXT) is given


def test_invalid_input_is_refused() -> None:
    client = FakeClient()
    for text in ("", " \n ", "\ud83d"):
        with pytest.raises(InvalidArticle):
            client.summarize(text)
    with pytest.raises(TypeError):
        client.summarize(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="medium"):
        client.summarize(TEXT, summaries="medium")
    with pytest.raises(ValueError, match="medium"):
        client.summarize_many([], summaries="medium")
    with pytest.raises(ValueError, match="max_in_flight"):
        client.summarize_many([], max_in_flight=0)
    with pytest.raises(TypeError):
        list(client.summarize_many([3]))  # type: ignore[list-item]
    with pytest.raises(ValueError, match="timeout"):
        client.summarize(TEXT, timeout=0)


def test_health_follows_the_state_in_info() -> None:
    client = FakeClient()
    assert client.check_health()
    client.info = dataclasses.replace(client.info, state=ServerState.LOADING)
    assert not client.check_health()


async def test_for_asyncio() -> None:
    async def feed() -> AsyncIterator[str]:
        yield "One. Two."
        yield "\ud83d"

    async with FakeAsyncClient(errors=[Unavailable("gone")]) as client:
        with pytest.raises(Unavailable):
            await client.summarize(TEXT)
        assert (await client.summarize(TEXT, summaries="short")).summaries[0].length is Length.SHORT
        found = [one async for one in client.summarize_many(feed())]
        assert [type(one.error) for one in found] == [type(None), InvalidArticle]
        assert [one.index async for one in client.summarize_many(["a.", "b."])] == [0, 1]
        assert (await client.check(TEXT, "Rain fell.")).is_supported
        assert await client.check_health()
        assert (await client.server_info()).model == "fake"
        with pytest.raises(ValueError, match="max_in_flight"):
            client.summarize_many([], max_in_flight=0)
