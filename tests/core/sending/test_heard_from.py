"""Of whom an identity has heard: asked once, and again when that may have changed."""

from collections.abc import Collection

import pytest
from twisted.internet.defer import Deferred

from qabel.core.sending import heard_from
from qabel.core.sending.heard_from import HeardFrom
from qabel.deferreds import result_of

ME, OTHER = b"me", b"other"
ANNE, BEN, CARL = b"anne", b"ben", b"carl"


class Rows:
    """What the database has, and what it was asked."""

    def __init__(self) -> None:
        self.heard = {(ME, ANNE), (OTHER, BEN)}
        self.asked: list[tuple[bytes, list[bytes]]] = []
        self.waiting: Deferred[None] | None = None
        self.knows = HeardFrom(self._find)

    async def _find(self, identity: bytes, contacts: Collection[bytes]) -> frozenset[bytes]:
        self.asked.append((identity, list(contacts)))
        found = frozenset(each for each in contacts if (identity, each) in self.heard)
        if self.waiting is not None:
            await self.waiting
        return found

    def among(self, identity: bytes, *contacts: bytes) -> Collection[bytes]:
        """Return those of whom an identity has heard."""
        found: Collection[bytes] = result_of(
            Deferred.fromCoroutine(self.knows.among(identity, contacts))
        )
        return found


def test_each_is_asked_for_once() -> None:
    """The database is asked for what is not known yet, of each identity by itself."""
    rows = Rows()
    assert rows.among(ME, ANNE, BEN) == {ANNE}
    assert rows.among(ME, ANNE, BEN) == {ANNE}
    assert rows.among(ME, BEN, CARL) == set()
    assert rows.among(OTHER, ANNE, BEN) == {BEN}
    assert rows.asked == [(ME, [ANNE, BEN]), (ME, [CARL]), (OTHER, [ANNE, BEN])]


def test_what_was_received_is_noticed() -> None:
    """Whoever has written meanwhile is known from the next message on."""
    rows = Rows()
    assert rows.among(ME, BEN) == set()
    rows.heard.add((ME, BEN))
    rows.knows.forget()
    assert rows.among(ME, BEN) == {BEN}


def test_an_outdated_result_is_not_kept() -> None:
    """What is received while the database is asked is not hidden by its result."""
    rows = Rows()
    rows_waiting: Deferred[None] = Deferred()
    rows.waiting = rows_waiting
    asking = Deferred.fromCoroutine(rows.knows.among(ME, [BEN]))
    rows.heard.add((ME, BEN))
    rows.knows.forget()
    rows.waiting = None
    rows_waiting.callback(None)
    assert result_of(asking) == set()
    assert rows.among(ME, BEN) == {BEN}


def test_it_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a limit nothing is held, and the answers stay right."""
    monkeypatch.setattr(heard_from, "MOST_KNOWN", 1)
    rows = Rows()
    assert rows.among(ME, ANNE, BEN) == {ANNE}
    assert rows.among(ME, ANNE, BEN) == {ANNE}
    assert len(rows.asked) == 2
