"""A module that answers messages, in a daemon that is killed: each answer is sent once."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.daemons import DRAWN, Daemon, eventually, serving_drops
from tests.integration.processes import ROOT

COUNT = 60

CODE = """
from qabel.modules.api import Module, Prepared, Received

def prepare(entries, read):
    made = Prepared()
    for entry in entries:
        if isinstance(entry, Received):
            for part in ("a", "b"):
                made.send(
                    identity=entry.identity,
                    recipient=entry.sender.key,
                    kind="answer",
                    data={"msg": f"{entry.data['msg']}{part}"},
                )
    return made

module = Module(name="answers", summary="Answers.", kinds=["question"], prepare=prepare)
"""


@pytest.fixture
def answers_env(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a daemon that finds the module."""
    site = tmp_path / "site"
    info = site / "qabel_answers-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: qabel-answers\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[qabel.modules]\nanswers = qabel_answers:module\n")
    (site / "qabel_answers.py").write_text(CODE)
    return {"PYTHONPATH": f"{site}:{ROOT}"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Run a drop server, and return its URL."""
    with serving_drops(tmp_path) as url:
        yield url


def test_each_answer_is_sent_once(tmp_path: Path, server: str, answers_env: dict[str, str]) -> None:
    """However often the daemon is killed: all answers arrive, none twice, in their order."""
    draw = random.Random(2)  # noqa: S311 - moments of kills
    with (
        Daemon(tmp_path, "Alice") as alice,
        Daemon(tmp_path, "Bob", "--module=answers", env=answers_env) as bob,
    ):
        cards = [each.up().live(server) for each in (alice, bob)]
        for one, card in ((alice, cards[1]), (bob, cards[0])):
            one.api.good("POST", "/contacts/import", {"contacts": [card]})
        for number in range(COUNT):
            message = {"model_object": "question", "data": {"msg": f"{number} "}}
            body: dict[str, Any] = {"sender": 1, "recipients": [1], "drop_message": message}
            alice.api.good("POST", "/drop", body)
            if number % 12 == 11:
                time.sleep(draw.uniform(0, 0.3))
                bob.process.kill()
                bob.again()
        eventually(lambda: len(alice.heard()) >= 2 * COUNT, lambda: str(alice.heard()), DRAWN)
        stamps = [
            each["message"]["time_stamp"] for each in bob.api.good("GET", "/outbox?limit=1000")
        ]
        assert stamps == sorted(set(stamps))
        answers = [f"{number} {part}" for number in range(COUNT) for part in "ab"]
        assert sorted(alice.heard()) == sorted(answers)
        asked = [
            each["message"]["data"]["msg"] for each in bob.api.good("GET", "/outbox?limit=1000")
        ]
        assert alice.heard() == asked
