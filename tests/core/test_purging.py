"""Purging an identity: all that hangs on it is gone, from the core and from the disk."""

import re
import shutil
from pathlib import Path

import pytest

from qabel.core.errors import Conflict, NotFound
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.store.database.erasing import DELAY
from tests.core.conftest import ClockedWorld
from tests.store.database.attacker import find

KEY = bytes(32)


def secrets_of(core: CoreService) -> re.Pattern[bytes]:
    """Return what is not to be found once the only identity is purged."""
    [identity] = core.synced.value.identities
    [contact] = core.synced.value.contacts
    words = [
        identity.private_key.raw,
        identity.private_key.hex.encode(),
        identity.public_key.raw,
        identity.public_key.hex.encode(),
        str(identity.drops[0]).encode(),
        str(contact.drop_urls[0]).encode(),
        contact.public_key.raw,
        b"HEARD",
        b"SAID",
        b"Alicia",
    ]
    return re.compile(b"|".join(map(re.escape, words)))


def busy(clocked: ClockedWorld) -> CoreService:
    """Return the core of somebody who has heard and said something, and has tokens and webhooks."""
    alice, bob = clocked.run(clocked.friends())
    clocked.run(alice.people.change_identity(1, {"alias": "Alicia"}))
    for number in range(20):
        clocked.run(clocked.say(bob, f"HEARD {number} " * 20))
        clocked.run(clocked.say(alice, f"SAID {number} " * 20, acknowledge_id="auto"))
    clocked.run(clocked.heard(alice))
    clocked.run(clocked.heard(alice, identity=1))
    clocked.run(alice.tokens.add("Alicia's phone", ["read"], 1))
    return alice


def folder(core: CoreService) -> Path:
    """Return the data directory of a core."""
    return core._base.data_directory


def test_nothing_is_left(clocked: ClockedWorld) -> None:
    """Soon after a purge nothing of the identity is on the disk, for who knows the key."""
    alice = busy(clocked)
    pattern = secrets_of(alice)
    assert len(find(folder(alice), KEY, pattern)) >= 9
    [token] = alice.tokens.all()
    clocked.run(alice.purging.purge(1))
    assert (alice.people.identities(), alice.people.contacts()) == ([], [])
    assert alice.tokens.all() == []
    assert alice.inbox.messages == 0
    assert clocked.run(alice.outbox.sends()) == []
    assert alice.poller.servers == {}
    clocked.clock.advance(2 * DELAY)
    assert find(folder(alice), KEY, pattern) == set()
    assert token.name == "Alicia's phone"
    [again] = [clocked.run(alice.people.add_identity("New"))]
    assert again.id == 2


def test_a_deleted_identity_can_be_purged(clocked: ClockedWorld) -> None:
    """An identity that is marked as deleted can be purged by its id, once."""
    alice = busy(clocked)
    pattern = secrets_of(alice)
    clocked.run(alice.people.delete_identity(1))
    clocked.clock.advance(2 * DELAY)
    assert find(folder(alice), KEY, pattern)
    clocked.run(alice.purging.purge(1))
    clocked.clock.advance(2 * DELAY)
    assert find(folder(alice), KEY, pattern) == set()
    with pytest.raises(NotFound):
        clocked.run(alice.purging.purge(1))


def test_the_living_one_is_not_purged_for_a_deleted_one(clocked: ClockedWorld) -> None:
    """If a deleted identity came back under another id, that one has to be named."""
    alice = busy(clocked)
    file = alice.cards.export_identity(1)
    clocked.run(alice.people.delete_identity(1))
    back = clocked.run(alice.cards.import_identity(file))
    with pytest.raises(Conflict, match=f"Identity {back.id} "):
        clocked.run(alice.purging.purge(1))
    clocked.run(alice.purging.purge(back.id))
    assert alice.synced.value.identities == ()


def test_other_identities_stay(clocked: ClockedWorld) -> None:
    """Another identity, its contacts and its messages are not touched; shared drops are read."""
    alice, bob = clocked.run(clocked.friends())
    [drop] = alice.synced.value.identities[0].drops
    other = clocked.run(alice.people.add_identity("Other", [drop]))
    clocked.run(bob.cards.import_contacts(None, alice.cards.contact_file(other.id)))
    clocked.run(clocked.heard(alice))
    clocked.run(alice.purging.purge(1))
    [contact] = [each.id for each in bob.people.contacts() if each.alias == "Other"]
    assert clocked.run(alice.people.identity(other.id).public_key and clocked.heard(alice)) == []
    assert contact
    assert [each.alias for each in alice.people.identities()] == ["Other"]
    known = alice._base.database.run(
        lambda connection: connection.execute("SELECT url FROM drops").fetchall()
    )
    assert result_of(known) == [(str(drop),)]


def test_it_can_come_back(clocked: ClockedWorld) -> None:
    """An identity that is imported again after its purge receives messages again."""
    alice, bob = clocked.run(clocked.friends())
    file = alice.cards.export_identity(1)
    clocked.run(alice.purging.purge(1))
    clocked.run(alice.cards.import_identity(file))
    clocked.run(clocked.say(bob, "again"))
    assert [each["data"] for each in clocked.run(clocked.heard(alice))] == [{"msg": "again"}]


def test_all_or_nothing(clocked: ClockedWorld, tmp_path: Path) -> None:
    """If the transaction fails, the identity is as it was, and goes on receiving."""
    alice, bob = clocked.run(clocked.friends())
    run = alice._base.database.run
    sql = "CREATE TRIGGER broken BEFORE DELETE ON tokens BEGIN SELECT raise(ABORT, 'no'); END"
    clocked.run(alice.tokens.add("phone", ["read"], 1))
    result_of(run(lambda connection: connection.execute(sql).rowcount))
    with pytest.raises(Exception, match="no"):
        clocked.run(alice.purging.purge(1))
    assert len(alice.people.identities()) == 1
    clocked.run(clocked.say(bob, "still"))
    assert len(clocked.run(clocked.heard(alice))) == 1
    copied = tmp_path / "copied"
    shutil.copytree(folder(alice), copied)
    assert find(copied, KEY, secrets_of(alice))


def test_what_a_reading_noted_meanwhile_goes_too(clocked: ClockedWorld) -> None:
    """A drop that was noted after its identity had gone does not wait for the housekeeping."""
    alice, _ = clocked.run(clocked.friends())
    run = alice._base.database.run
    sql = "INSERT INTO drops (url, owners) VALUES ('http://drop.example/late', 'nobody')"
    result_of(run(lambda connection: connection.execute(sql).rowcount))
    clocked.run(alice.purging.purge(1))
    left = run(lambda connection: connection.execute("SELECT url FROM drops").fetchall())
    assert result_of(left) == []
