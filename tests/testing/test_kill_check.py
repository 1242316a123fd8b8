"""Killing a module at each step."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from qabel.modules.api import Entry, ModuleRead, Prepared, Received
from qabel.testing.kill_check import check_kills
from qabel.testing.module_desk import ModuleDesk
from tests.testing.test_module_desk import MODULE, words


def happens(desk: ModuleDesk) -> None:
    """Have some things happen, one of which the module cannot deal with."""
    desk.receive({"text": "one"})
    send = desk.send({"text": "two"})
    desk.delivered(send)
    desk.receive({"text": "raise"})
    desk.settle()
    desk.store({"n": 1})


def test_each_entry_counts_once(tmp_path: Path) -> None:
    """Wherever it is killed, the rows, the events and what is set aside are the same."""
    killed = check_kills(
        tmp_path,
        lambda folder, kills: ModuleDesk.open(folder, MODULE, kills=kills),
        happens,
        lambda desk: (words(desk), desk.events(), len(desk.set_aside())),
    )
    assert killed > 20


def test_what_counts_twice_is_found(tmp_path: Path) -> None:
    """A module that keeps something else than rows is found out."""
    seen: list[int] = []

    def forgetful(entries: Sequence[Entry], read: ModuleRead) -> Prepared:
        seen.extend(each.message_id for each in entries if isinstance(each, Received))
        return Prepared()

    def make(folder: Path, kills: object) -> ModuleDesk:
        seen.clear()
        return ModuleDesk.open(folder, evolve(MODULE, prepare=forgetful), kills=kills)  # type: ignore[arg-type]

    with pytest.raises(AssertionError, match="killed at step"):
        check_kills(tmp_path, make, happens, lambda _: list(seen))
