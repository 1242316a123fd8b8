"""The tools of modules, and what they offer each other."""

from pathlib import Path
from typing import Any

import pytest_twisted
from attrs import evolve
from twisted.internet import reactor

from qabel.core.service import CoreService
from qabel.forms.compound import Key, Object
from qabel.forms.plain import Flag
from qabel.modules.api import ModuleTools
from qabel.modules.equipment import Equipment
from qabel.testing.correspondents import Correspondents
from tests.modules.conftest import NOTES

FORM = Object({"loud": Key(Flag(), default=True)})


@pytest_twisted.async_yield_fixture
async def core(tmp_path: Path) -> Any:
    """Return the core of somebody who has an identity."""
    people = Correspondents(tmp_path, reactor)
    yield await people.person("Alice")
    await people.close()


def test_services(core: CoreService) -> None:
    """A module gets what another offers, made once; None of one that does not run or fails."""
    made: list[str] = []

    def offer(tools: ModuleTools) -> object:
        made.append(tools.name)
        return tools

    def fail(tools: ModuleTools) -> object:
        raise ValueError("a secret")

    notes, chat = evolve(NOTES, service=offer), evolve(NOTES, name="chat", kinds=())
    broken = evolve(NOTES, name="broken", kinds=(), service=fail)
    running: set[str] = set()
    equipment = Equipment(core, [notes, chat, broken], running.__contains__)
    tools = equipment.of("chat")
    assert tools.service("notes") is None
    running |= {"notes", "chat", "broken"}
    assert tools.service("notes") is equipment.of("notes")
    assert tools.service("notes") is equipment.of("notes")
    assert made == ["notes"]
    assert [tools.service(name) for name in ("chat", "broken", "nobody")] == [None] * 3
    running.clear()
    assert tools.service("notes") is None


def test_forms(core: CoreService) -> None:
    """The forms are those of the modules that have any, by where they belong."""
    every = [NOTES, evolve(NOTES, name="chat", settings=FORM, contact_settings=FORM)]
    forms = Equipment(core, every, bool).forms()
    assert (forms.local, forms.synced, forms.contacts) == ({"chat": FORM}, {}, {"chat": FORM})


def test_a_tool_for_each_module(core: CoreService) -> None:
    """Tools know their module, people, and the time; the logger has the module's name."""
    tools = Equipment(core, [NOTES], bool).of("notes")
    assert [each.alias for each in tools.people.identities()] == ["Alice"]
    assert tools.now() == core.now() or tools.now() > 0
    assert tools.log.namespace == "qabel.modules.notes"
