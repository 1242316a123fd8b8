"""The settings of a module: typed, and always valid."""

from pathlib import Path
from typing import Any

import attrs
import pytest_twisted
from twisted.internet import reactor

from qabel.core.service import CoreService
from qabel.forms.compound import Key, ValueOf
from qabel.forms.plain import Integer
from qabel.modules.own_settings import OwnSettings
from qabel.testing.correspondents import Correspondents


@attrs.frozen
class Loudness:
    """What the module stores."""

    loud: int = 5


FORM = ValueOf(Loudness, {"loud": Key(Integer(0, 9), 5)})


@pytest_twisted.async_yield_fixture
async def core(tmp_path: Path) -> Any:
    """Return the core of somebody who has a contact."""
    people = Correspondents(tmp_path, reactor)
    alice, _ = await people.friends()
    yield alice
    await people.close()


@pytest_twisted.ensureDeferred
async def test_typed(core: CoreService) -> None:
    """What is stored is read as the form says, with defaults for what is not there."""
    settings = OwnSettings("notes", core, FORM, FORM, FORM)
    [contact] = core.people.contacts()
    assert settings.local == settings.synced == settings.of_contact(contact.id) == Loudness(5)
    assert settings.of_contact(99) == Loudness(5)
    assert settings.local is settings.local
    await core.local.set("module_data.notes.loud", 1)
    await core.synced.set("module_data.notes.loud", 2)
    await core.people.change_contact(contact.id, {"module_data": {"notes": {"loud": 3}}})
    assert (settings.local, settings.synced) == (Loudness(1), Loudness(2))
    assert settings.of_contact(contact.id) == Loudness(3)
    assert settings.misfits() == []


@pytest_twisted.ensureDeferred
async def test_what_does_not_fit(core: CoreService) -> None:
    """The defaults are used, what is stored stays, and it is told where it is."""
    settings = OwnSettings("notes", core, FORM, FORM, FORM)
    [contact] = core.people.contacts()
    await core.local.set("module_data.notes.loud", 99)
    await core.synced.set("module_data.notes", {"quiet": 1})
    await core.people.change_contact(contact.id, {"module_data": {"notes": {"loud": None}}})
    assert settings.local == settings.synced == settings.of_contact(contact.id) == Loudness(5)
    assert settings.misfits() == [
        "the local settings: loud: must be an integer from 0 to 9",
        "the synced settings: quiet: unknown key; known keys: loud",
        f"contact {contact.id}: loud: must be an integer from 0 to 9",
    ]
    assert core.local.value.module_data == {"notes": {"loud": 99}}


def test_without_forms(core: CoreService) -> None:
    """A module without forms has no settings."""
    settings = OwnSettings("notes", core, None, None, None)
    assert (settings.local, settings.synced, settings.of_contact(1)) == (None, None, None)
    assert settings.misfits() == []
