"""Whose messages were opened: kept by identity and sender, until the identity is purged."""

from qabel.crypto import key_digest
from qabel.deferreds import result_of
from qabel.store import heard_from
from qabel.store.database.database import Database

ME, OTHER = b"\x01" * 32, b"\x02" * 32
EVE, FRED = b"\x0e" * 32, b"\x0f" * 32


def test_each_identity_has_its_own(database: Database) -> None:
    """What one identity has heard says nothing of another, and a second time changes nothing."""
    for _ in range(2):
        result_of(database.run(lambda c: heard_from.note(c, [(ME, EVE), (ME, EVE), (OTHER, FRED)])))

    def found(identity: bytes) -> frozenset[bytes]:
        return result_of(database.run(lambda c: heard_from.find(c, identity, [EVE, FRED])))

    assert (found(ME), found(OTHER), found(EVE)) == ({EVE}, {FRED}, frozenset())
    result_of(database.run(lambda c: heard_from.forget(c, ME)))
    assert (found(ME), found(OTHER)) == (frozenset(), {FRED})


def test_the_keys_of_senders_are_not_kept(database: Database) -> None:
    """Of a sender only a digest stays, once its messages are deleted."""
    result_of(database.run(lambda c: heard_from.note(c, [(ME, EVE)])))
    rows = result_of(database.run(lambda c: c.execute("SELECT * FROM heard_from").fetchall()))
    assert rows == [(ME, key_digest(EVE))]
