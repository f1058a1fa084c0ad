"""The judge of the soak detects errors; and the soak itself, for SOAK_SECONDS."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nutgraf import InvalidArticle, Overloaded
from nutgraf.testing import FakeClient
from soak.judge import Judge, Sent

TEXT = "The Osprey came home to Marlow. Its crew was well. Two ships waited. Nobody was hurt."
SENT = Sent("call", TEXT, "The Osprey came home to Marlow.", frozenset({"QUEUE_FULL"}))
SECONDS = float(os.environ.get("SOAK_SECONDS", 900))


def summarized(text: str):
    return FakeClient().summarize(text, summaries="short")


def test_answer_to_its_own_article_is_right():
    judge = Judge()
    judge.answer(judge.send(SENT), summarized(TEXT))
    judge.refuse(judge.send(SENT), Overloaded("full", reason="QUEUE_FULL"))
    judge.give_up(judge.send(SENT))
    assert not judge.wrong
    assert not judge.lost()


def test_article_without_an_outcome_is_lost():
    judge = Judge()
    judge.send(SENT)
    assert judge.lost() == {"call": 1}
    assert "lost 1, wrong 0" in judge.report()


def test_summary_of_another_article_is_wrong():
    judge = Judge()
    judge.answer(judge.send(SENT), summarized(TEXT.replace("Osprey", "Gannet")))
    assert len(judge.wrong) == 1
    # If the summary is not known in advance, its evidence and size are compared.
    judge.answer(judge.send(Sent("call", TEXT)), summarized(TEXT.replace("Osprey", "Kittiwake")))
    assert len(judge.wrong) == 2


def test_second_outcome_is_wrong():
    judge = Judge()
    number = judge.send(SENT)
    judge.answer(number, summarized(TEXT))
    judge.answer(number, summarized(TEXT))
    judge.give_up(number)
    assert len(judge.wrong) == 2
    assert judge.answered.total() == 1


def test_answer_or_other_error_for_an_invalid_request_is_wrong():
    judge = Judge()
    sent = Sent("no article", TEXT, None, frozenset({"EMPTY_TEXT"}), may_be_answered=False)
    judge.answer(judge.send(sent), summarized(TEXT))
    judge.refuse(judge.send(sent), InvalidArticle("too long", reason="TEXT_TOO_LONG"))
    judge.refuse(judge.send(sent), InvalidArticle("empty", reason="EMPTY_TEXT"))
    assert len(judge.wrong) == 2


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 400)
def test_soak_loses_nothing_and_gets_nothing_wrong():
    command = [sys.executable, "-m", "soak", "--seconds", str(SECONDS)]
    soak = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
