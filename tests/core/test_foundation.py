"""The foundation: opened as a whole or not at all, with what the database had loaded."""

from pathlib import Path

import pytest

from qabel.core.foundation import Foundation, lay_foundation
from qabel.core.network import DropServers
from qabel.core.options import CoreOptions
from qabel.deferreds import result_of
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreClosed, WrongKey
from qabel.store.documents import DocumentRepository
from qabel.store.file_names import DATABASE
from qabel.store.key_record import GivenKey
from qabel.testing.drop_servers import MemoryDropServers
from tests.core.conftest import ClockedWorld


@pytest.fixture
def folder(clocked: ClockedWorld) -> Path:
    """Return an empty data directory."""
    made = clocked.folder / "data"
    made.mkdir()
    return made


def lay(
    clocked: ClockedWorld,
    folder: Path,
    *,
    key: bytes = bytes(32),
    network: MemoryDropServers | None = None,
    options: CoreOptions | None = None,
) -> Foundation:
    """Lay the foundation in a directory."""
    return clocked.run(
        lay_foundation(
            folder,
            GivenKey(key),
            network=network,
            reactor=clocked.clock,
            now=clocked.now,
            options=options or CoreOptions(),
        )
    )


def test_a_new_directory(clocked: ClockedWorld, folder: Path) -> None:
    """In an empty directory the database is made, and all settings are their defaults."""
    base = lay(clocked, folder)
    assert (folder / DATABASE).exists()
    assert base.synced_now() == base.synced.value
    assert base.synced.value.identities == ()
    assert (base.inbox_state.messages, base.inbox_state.consumers) == (0, {})
    clocked.run(base.close())


def test_what_was_there_is_loaded(clocked: ClockedWorld) -> None:
    """Settings, the place in the journal, messages and readers are what they were before."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(clocked.say(alice, "Hello"))
    clocked.run(clocked.heard(bob, consumer="reader"))
    newest, synced = bob.journal.newest, bob.synced.value
    clocked.run(clocked.close())
    base = lay(clocked, clocked.folder / "Bob")
    assert base.journal.newest == newest
    assert base.synced.value == synced
    assert (base.inbox_state.messages, list(base.inbox_state.consumers)) == (1, [(0, "reader")])
    assert base.inbox_state.newest_message == base.inbox_state.consumers[0, "reader"]
    clocked.run(base.close())


def test_a_wrong_key_leaves_nothing_open(clocked: ClockedWorld, folder: Path) -> None:
    """With another key it fails, and the right one opens the database afterwards."""
    clocked.run(lay(clocked, folder).close())
    with pytest.raises(WrongKey):
        lay(clocked, folder, key=b"\1" * 32)
    clocked.run(lay(clocked, folder).close())


def test_settings_that_cannot_be_read_close_the_database(
    clocked: ClockedWorld, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When loading fails after the database is open, it is closed again."""
    base = lay(clocked, folder)
    documents = DocumentRepository(base.database)
    result_of(documents.save("settings", b'{"poll_interval":"x"}', event=False, now=0.0))
    clocked.run(base.close())
    closed = []
    close = Database.close
    monkeypatch.setattr(Database, "close", lambda self: closed.append(self.path) or close(self))
    with pytest.raises(ValueError, match="poll_interval"):
        lay(clocked, folder)
    assert closed == [folder / DATABASE]


def test_the_network_is_the_real_one_unless_given(clocked: ClockedWorld, folder: Path) -> None:
    """A foundation talks to real drop servers, or to those that the caller gives."""
    base = lay(clocked, folder)
    assert isinstance(base.network, DropServers)
    clocked.run(base.close())
    servers = MemoryDropServers()
    base = lay(clocked, folder, network=servers)
    assert base.network is servers
    clocked.run(base.close())


def test_webhooks_may_call_what_the_options_allow(clocked: ClockedWorld, folder: Path) -> None:
    """Besides this machine, webhooks may call the origins that the options name."""
    options = CoreOptions(webhook_origins=frozenset({"https://hooks.example"}))
    base = lay(clocked, folder, options=options)
    may_call = base.webhook_client.may_call
    assert may_call("https://hooks.example/path")
    assert may_call("http://127.0.0.1:8000/")
    assert not may_call("https://other.example/")
    clocked.run(base.close())


def test_after_close_nothing_works(clocked: ClockedWorld, folder: Path) -> None:
    """After close the database takes no more work."""
    base = lay(clocked, folder)
    clocked.run(base.close())
    with pytest.raises(StoreClosed):
        result_of(base.database.run(lambda _: None))
