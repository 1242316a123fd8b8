"""Settings and people of modules in tests: as those of a real core."""

from pathlib import Path
from typing import Any, cast

import pytest
import pytest_twisted
from twisted.internet import reactor

from qabel.core.service import CoreService
from qabel.forms.errors import InvalidInput
from qabel.modules.known_people import KnownPeople
from qabel.modules.own_settings import OwnSettings
from qabel.testing.correspondents import Correspondents
from qabel.testing.module_core import MemoryCore
from tests.testing.test_module_desk import FORM, MODULE


def seen(core: Any) -> list[object]:
    """Return what a module sees of a core."""
    settings = OwnSettings("notes", cast("CoreService", core), FORM, None, FORM)
    people = KnownPeople(cast("CoreService", core))
    return [
        settings.local,
        settings.synced,
        settings.of_contact(1),
        settings.misfits(),
        [each.alias for each in people.identities()],
        [(each.id, each.alias) for each in people.contacts()],
        people.blocked(),
    ]


@pytest_twisted.ensureDeferred
async def test_the_same_as_a_real_one(tmp_path: Path) -> None:
    """A module cannot tell it from the core of a daemon."""
    world = Correspondents(tmp_path, reactor)
    real, _ = await world.friends()
    fake = MemoryCore(MODULE, lambda: 1_800_000_000.0)
    _, key = fake.add_identity("Alice")
    fake.add_contact(key, "Bob")
    assert seen(fake) == seen(real)
    await real.local.set("module_data.notes", {"n": 7})
    await real.synced.set("contacts.1.module_data", {"notes": {"n": 8}})
    fake.store("local", {"n": 7})
    fake.store("1", {"n": 8})
    assert seen(fake) == seen(real)
    await world.close()


def test_forms_are_checked() -> None:
    """What a form refuses is not stored."""
    fake = MemoryCore(MODULE, lambda: 1.0)
    with pytest.raises(InvalidInput):
        fake.store("local", {"n": 99})
    fake.store("synced", {"any": "thing"})
    assert fake.synced.value.module_data == {"notes": {"any": "thing"}}
