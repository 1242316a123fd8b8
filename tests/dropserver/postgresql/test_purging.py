"""Purging a database of what a flood of posts to made-up drops has left."""

from typing import Any

import pytest

from qabel.dropserver.message_purge import MessagePurge
from qabel.dropserver.message_values import charge
from qabel.dropserver.postgresql import purging
from qabel.dropserver.postgresql.asking import AskedPlaces
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.posting import PostWriter
from qabel.dropserver.postgresql.purging import purge_step
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.dropserver.postgresql.summing import read_usage
from tests.dropserver.postgresql.test_posting import DROP, MANY, OTHER, posts, stored


@pytest.fixture
def link(database: str, monkeypatch: pytest.MonkeyPatch) -> DatabaseLink:
    """Return a database with a drop that was asked for, and one that was not."""
    monkeypatch.setattr(purging, "SPARED", -1)
    made = DatabaseLink(database, bring_up_to_date)
    given = [*posts(b"1", b"2"), *posts(b"3", b"4", b"5", drop=OTHER)]
    PostWriter(made).store(given, [1] * 5, drop_quota=MANY)
    asked = AskedPlaces()
    asked.note([posts(b"")[0].place])
    asked.store(made)
    return made


def done(link: DatabaseLink, purge: MessagePurge) -> Any:
    """Purge to the end; return what was done."""
    while not purge.is_done:
        purge_step(link, purge)
    return purge.purged


def test_what_nobody_asked_for_goes(link: DatabaseLink) -> None:
    """The rest stays, and the sums follow; a dry run says the same, and deletes nothing."""
    dry = done(link, MessagePurge(0, True))
    assert len(stored(link, OTHER)) == 3
    purged = done(link, MessagePurge(0, False))
    assert purged == dry
    assert (purged.messages, purged.drops, purged.charged) == (3, 1, 3 * charge(1))
    assert purged.kept == 2
    assert stored(link, OTHER) == []
    assert stored(link, DROP) == [b"1", b"2"]
    assert read_usage(link, 1).messages == 2


def test_what_is_older_stays(link: DatabaseLink) -> None:
    """Only what arrived since the time goes."""
    assert done(link, MessagePurge(4_000_000_000, False)).messages == 0
    assert len(stored(link, OTHER)) == 3


def test_what_has_just_arrived_stays(link: DatabaseLink, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other front ends may know of somebody who asks, and not have told it yet."""
    monkeypatch.setattr(purging, "SPARED", 60)
    assert done(link, MessagePurge(0, False)).messages == 0
    assert len(stored(link, OTHER)) == 3
