"""The judge of the soak notices what it is there for; and the soak itself, for as long as SOAK_SECONDS says."""

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


def test_an_answer_to_its_own_article_is_right():
    judge = Judge()
    judge.answer(judge.send(SENT), summarized(TEXT))
    judge.refuse(judge.send(SENT), Overloaded("full", reason="QUEUE_FULL"))
    judge.give_up(judge.send(SENT))
    assert not judge.wrong
    assert not judge.lost()


def test_what_has_no_outcome_is_lost():
    judge = Judge()
    judge.send(SENT)
    assert judge.lost() == {"call": 1}
    assert "lost 1, wrong 0" in judge.report()


def test_another_articles_summary_is_wrong():
    judge = Judge()
    judge.answer(judge.send(SENT), summarized(TEXT.replace("Osprey", "Gannet")))
    assert len(judge.wrong) == 1
    # Where the summary is not known beforehand, its evidence and size tell.
    judge.answer(judge.send(Sent("call", TEXT)), summarized(TEXT.replace("Osprey", "Kittiwake")))
    assert len(judge.wrong) == 2


def test_a_second_outcome_is_wrong():
    judge = Judge()
    number = judge.send(SENT)
    judge.answer(number, summarized(TEXT))
    judge.answer(number, summarized(TEXT))
    judge.give_up(number)
    assert len(judge.wrong) == 2
    assert judge.answered.total() == 1


def test_an_answer_to_what_is_to_be_refused_is_wrong_and_so_is_another_refusal():
    judge = Judge()
    sent = Sent("no article", TEXT, None, frozenset({"EMPTY_TEXT"}), may_be_answered=False)
    judge.answer(judge.send(sent), summarized(TEXT))
    judge.refuse(judge.send(sent), InvalidArticle("too long", reason="TEXT_TOO_LONG"))
    judge.refuse(judge.send(sent), InvalidArticle("empty", reason="EMPTY_TEXT"))
    assert len(judge.wrong) == 2


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 400)
def test_nothing_is_lost_or_wrong_in_a_long_soak():
    command = [sys.executable, "-m", "soak", "--seconds", str(SECONDS)]
    soak = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    assert soak.returncode == 0, soak.stdout + soak.stderr
