"""Tests of notes: each note is kept once, whatever is killed."""

from pathlib import Path

from qabel_notes import module

from qabel.testing.kill_check import check_kills
from qabel.testing.module_desk import ModuleDesk
from qabel.testing.module_kills import Kills

NOTES = "SELECT text FROM notes ORDER BY id"


def test_notes_are_kept(tmp_path: Path) -> None:
    """A note is kept and told, and goes when its message is deleted."""
    with ModuleDesk.open(tmp_path, module) as desk:
        milk = desk.receive({"text": "Milk"})
        desk.receive({"text": "Eggs"})
        desk.receive({"text": "Hello"}, kind="box_message")
        assert desk.rows(NOTES) == [("Milk",), ("Eggs",)]
        assert desk.events()[0] == ("notes.new", {"id": milk})
        desk.delete(milk)
        assert desk.rows(NOTES) == [("Eggs",)]
        desk.rebuild()
        assert desk.rows(NOTES) == [("Eggs",)]
        assert desk.set_aside() == []


def test_whatever_is_killed(tmp_path: Path) -> None:
    """Wherever the module is killed, each note is there once."""

    def make(folder: Path, kills: Kills) -> ModuleDesk:
        return ModuleDesk.open(folder, module, kills=kills)

    def happens(desk: ModuleDesk) -> None:
        for number in range(5):
            desk.receive({"text": str(number)})

    def look(desk: ModuleDesk) -> object:
        return desk.rows(NOTES), [kind for kind, _ in desk.events()]

    assert check_kills(tmp_path, make, happens, look) > 10
