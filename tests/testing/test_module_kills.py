"""Kills, step by step."""

from pathlib import Path

from qabel.testing.module_desk import ModuleDesk
from qabel.testing.module_kills import Kills
from tests.testing.test_module_desk import MODULE, words


def test_steps() -> None:
    """A module is dead from the step at which it is killed until it is started again."""
    kills = Kills(2)
    assert [kills.step() for _ in range(3)] == [False, True, True]
    assert (kills.has_killed(), kills.has_killed(), kills.step()) == (True, False, False)
    assert not any(Kills().step() for _ in range(9))


def test_it_is_started_again(tmp_path: Path) -> None:
    """What was not stored when it was killed is dealt with after that."""
    kills = Kills()
    with ModuleDesk.open(tmp_path, MODULE, kills=kills) as desk:
        kills.at = kills.steps + 2
        desk.receive({"text": "one"})
        assert words(desk) == ["received from Bob"]
        assert kills.steps > kills.at
