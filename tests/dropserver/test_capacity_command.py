"""``qabel-drop capacity``: a table, and wrong input."""

import re

import pytest

from qabel.dropserver.capacity_command import run
from tests.dropserver.test_check_command import drop_command
from tests.integration.processes import ROOT


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """It has a row for each number of users, and says what it supposes."""
    assert run([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Each user sends 30 messages a day, and 90% listen."
    rows = [re.split(r" {2,}", line.strip()) for line in lines[3:10]]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [row[0] for row in rows[1:]] == [f"{10**power:,}" for power in range(3, 9)]
    assert rows[1][3:6:2] == ["1", "-"]
    assert max(map(len, lines)) <= 100


def test_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Users and their habits can be given."""
    arguments = ["--users=500", "--users=2000000", "--messages=0.5", "--listening=25", "--peak=2"]
    assert run([*arguments, "--poll-interval=60", "--lifetime=30"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Each user sends 0.5 messages a day, and 25% listen."
    assert lines[4].split()[:4] == ["500", "<", "1", "125"]
    assert lines[5].split()[:3] == ["2,000,000", "23", "500,000"]
    assert lines[6] == ""


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--users=0", "--users must be a whole number greater than 0, not '0'"),
        ("--users=1.5", "--users must be a whole number greater than 0, not '1.5'"),
        ("--peak=high", "--peak must be a number greater than 0, not 'high'"),
        ("--listening=101", "--listening must be at most 100, not '101'"),
    ],
)
def test_wrong_input(argument: str, said: str) -> None:
    """Each mistake is one line, and status 2."""
    done = drop_command("capacity", argument)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"qabel-drop capacity: {said}\n"


def test_the_documentation_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is what people have read."""
    assert run([]) == 0
    shown = (ROOT / "docs" / "scaling.rst").read_text()
    for line in capsys.readouterr().out.splitlines():
        assert line in shown
