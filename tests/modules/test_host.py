"""The host of modules: states, troubles, and what modules could not deal with."""

from collections.abc import Sequence
from typing import Any

import pytest
import pytest_twisted
from attrs import evolve
from twisted.internet import reactor

from qabel.core.errors import NotFound
from qabel.core.service import CoreService
from qabel.core.status.troubles import TroubleKind
from qabel.modules.api import Entry, Prepared, Read
from qabel.modules.host import ModuleHost
from qabel.modules.loading import FoundModule
from qabel.modules.runner import ModuleState
from qabel.store.modules.tables import ModuleStoreError
from qabel.testing.correspondents import Correspondents
from tests.modules.conftest import NOTES


def failing(entries: Sequence[Entry], _: Read) -> Prepared:
    """Raise, whatever the entries are."""
    raise ValueError("a secret")


@pytest_twisted.async_yield_fixture
async def core(tmp_path: Any) -> Any:
    """Return the core of somebody who has an identity."""
    people = Correspondents(tmp_path, reactor)
    yield await people.person("Alice")
    await people.close()


def host_of(core: CoreService, *found: FoundModule) -> ModuleHost:
    """Return a host that was not started."""
    return ModuleHost(core, found, reactor)


def test_what_is_to_run(core: CoreService) -> None:
    """All that was found is listed, also what cannot run, which is a trouble."""
    host = host_of(core, FoundModule("broken", None, "No."), FoundModule("notes", NOTES))
    assert [(each.name, each.state, each.reason) for each in host.all()] == [
        ("broken", ModuleState.FAILED, "No."),
        ("notes", ModuleState.BUILDING, None),
    ]
    assert host.get("notes").kinds == ["note"]
    [trouble] = host.troubles()
    assert (trouble.kind, trouble.subject) == (TroubleKind.MODULE_FAILED, "broken")
    with pytest.raises(NotFound):
        host.get("chat")


@pytest_twisted.ensureDeferred
async def test_who_gets_messages_of_other_kinds(core: CoreService) -> None:
    """A module that takes those of others gets what no module owns, unless that is refused."""
    chat = evolve(NOTES, name="chat", kinds={"box_message"}, takes_others=True)
    host = host_of(core, FoundModule("chat", chat), FoundModule("notes", NOTES))
    notes, others = (host._runners[each]._reader._reading for each in ("notes", "chat"))
    assert (notes._wanted(), others._wanted()) == ((["note"], False), (["note"], True))
    assert core.owned.kinds == {"note", "box_message"}
    await core.local.set("inbox.unknown_kinds", "refuse")
    assert (notes._wanted(), others._wanted()) == ((["note"], False), (["box_message"], False))


@pytest_twisted.ensureDeferred
async def test_modules_run_until_they_are_stopped(core: CoreService) -> None:
    """They read the journal of the core, and are stopped with the service."""
    host = host_of(core, FoundModule("notes", NOTES))
    host.startService()
    while host.get("notes").state is not ModuleState.RUNNING:
        await core.database.run(lambda _: None)
    assert await host.set_aside("notes") == []
    assert await host.rows("SELECT count(*) FROM notes") == [(0,)]
    assert list(host.troubles()) == []
    host.stopService()


@pytest_twisted.ensureDeferred
async def test_changes_by_routes(core: CoreService) -> None:
    """A route changes tables of its module, and tells of it; other tables stay as they are."""
    host = host_of(core, FoundModule("notes", NOTES))
    host.startService()
    while host.get("notes").state is not ModuleState.RUNNING:
        await core.database.run(lambda _: None)
    made = Prepared()
    made.write("INSERT INTO notes_marks (message_id) VALUES (?)", (1,), (2,))
    made.tell("marked", {"ids": [1, 2]})
    before = core.journal.last_seq
    await host.change("notes", made)
    assert await host.rows("SELECT message_id FROM notes_marks") == [(1,), (2,)]
    assert await host.rows("SELECT kind FROM events ORDER BY seq DESC LIMIT 1") == [
        ("notes.marked",)
    ]
    assert core.journal.last_seq == before + 1
    made = Prepared()
    made.write("DELETE FROM events", ())
    with pytest.raises(ModuleStoreError):
        await host.change("notes", made)
    host.stopService()
