"""Reading drops because somebody asks: only those that the request is about."""

from collections.abc import Collection

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, succeed

from qabel.core.receiving.full_readings import Cause
from qabel.core.receiving.reader_polls import ReaderPolls
from qabel.drop.url import DropURL
from qabel.settings.synced import SyncedSettings
from tests.core.items import contact, drop, identity, key

ME, YOU = (key(number).public_key.raw for number in (1, 2))
SHARED = drop(9)


@define(eq=False)
class Asked:
    """Stands for the poller and the drops: notes what they are asked for."""

    owners: dict[DropURL, bytes] = field(
        factory=lambda: {drop(1): ME, drop(2): YOU, SHARED: b"shared"}
    )
    now: Collection[DropURL] = ()
    first: bytes | None = None
    in_full: dict[DropURL, bool] = field(factory=dict)
    hastened: dict[DropURL, float] = field(factory=dict)

    def poll_now(self, urls: Collection[DropURL], owner: bytes | None) -> "Deferred[None]":
        """Note which drops are to be read now, and whose at once."""
        self.now, self.first = set(urls), owner
        return succeed(None)

    def ask(self, url: DropURL, cause: Cause, *, at_once: bool) -> None:
        """Note that a drop is to be read in full, and whether at once."""
        assert cause is Cause.READER
        self.in_full[url] = at_once

    def due(self, url: DropURL) -> float | None:
        """Return when it is due."""
        return None if url == drop(2) else 7.0

    def hasten(self, url: DropURL, at: float) -> None:
        """Note when a drop is to be polled."""
        self.hastened[url] = at


@pytest.fixture
def asked() -> Asked:
    """Return a poller that was asked for nothing."""
    return Asked()


def polls(asked: Asked, count: int = 2) -> ReaderPolls:
    """Return what reads the drops of one or two identities, of whom two share a drop."""
    drops = [(drop(1),), (drop(2),)] if count == 1 else [(drop(1), SHARED), (drop(2), SHARED)]
    synced = SyncedSettings(
        identities=tuple(identity(n + 1, drops=drops[n]) for n in range(count)),
        contacts=(contact(8, 2),),
    )
    return ReaderPolls(poller=asked, drops=asked, synced=lambda: synced, owner_of=asked.owners.get)


def test_an_identity(asked: Asked) -> None:
    """Its drops are read at once, but for those that it shares: they have another key."""
    polls(asked).poll(1, None)
    assert (asked.now, asked.first) == ({drop(1), SHARED}, ME)
    assert asked.in_full == {drop(1): True, SHARED: False}
    assert asked.hastened == {drop(1): 7.0, SHARED: 7.0}


def test_a_contact(asked: Asked) -> None:
    """What is about a contact is about the identity that has it."""
    polls(asked).poll(None, 8)
    assert (asked.now, asked.first) == ({drop(2), SHARED}, YOU)
    polls(asked).poll(1, 8)
    assert asked.now == set()


def test_everybody(asked: Asked) -> None:
    """The drops of several identities are all read, and none at once."""
    polls(asked).poll(None, None)
    assert (asked.now, asked.first) == ({drop(1), drop(2), SHARED}, None)
    assert asked.in_full == {drop(1): False, drop(2): False, SHARED: False}


def test_the_only_identity(asked: Asked) -> None:
    """If all drops are of one, nothing has to be spread."""
    polls(asked, 1).poll(None, None)
    assert (asked.now, asked.first, asked.in_full) == ({drop(1)}, ME, {drop(1): True})


def test_nobody(asked: Asked) -> None:
    """An identity that does not exist has no drops."""
    polls(asked).poll(77, None)
    assert asked.now == set()
