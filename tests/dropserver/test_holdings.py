"""What is held stays in step with the transactions of the file."""

import sqlite3
from pathlib import Path

import pytest

from qabel.dropserver.admission import Full
from qabel.dropserver.holdings import Holdings
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import Post, Retention, charge
from qabel.host.http_server.sources import OLD
from tests.dropserver import test_message_file
from tests.dropserver.test_message_file import ALICE, FLOOD, A, B, Now, append, bodies

now, path = test_message_file.now, test_message_file.path


def test_an_undone_transaction_is_forgotten(path: Path, now: Now) -> None:
    """What could not be stored holds no room, and what went for it is there again."""
    file = MessageFile(path, Retention(quota=9 * charge(9), drop_quota=9), now=now)
    append(file, [(A, b"%d" % number) for number in range(9)], FLOOD)
    for drop in (A, B):
        with pytest.raises(sqlite3.Error):
            append(file, [(drop, b"x"), (B, "no bytes")], ALICE)  # type: ignore[list-item]
        assert bodies(file, A) == [b"%d" % number for number in range(9)]
        shares = file._rows.holdings.everywhere.shares
        assert (shares.holding(FLOOD), shares.holding(ALICE)) == (9 * charge(1), 0)
    assert file.append([Post(A, b"9", FLOOD)]) == [Full.DROP]
    append(file, [(B, b"x")], ALICE)
    assert (len(bodies(file, A)), bodies(file, B)) == (8, [b"x"])
    file.close()


def test_a_drop_is_looked_into_while_it_is_full() -> None:
    """Its sources are known as long as it has half of what it may have."""
    holdings = Holdings(1000, 4)
    holdings.begin(2, 20)
    for stamp in range(3, 5):
        holdings.came(stamp, b"drop", ALICE, 10)
    drop = holdings.look_into(b"drop", [1, 2, 3, 4])
    assert (drop.shares.holding(OLD), drop.shares.holding(ALICE)) == (2, 2)
    assert (drop.origins.newest(OLD), drop.origins.newest(ALICE)) == (2, 4)
    holdings.came(5, b"other", FLOOD, 10)
    holdings.went(4, b"drop", 10)
    holdings.commit()
    assert (drop.shares.held, holdings.messages, holdings.charged) == (3, 4, 40)
    holdings.went(1, b"drop", 10)
    assert holdings.in_drop(b"drop") is drop
    holdings.went(2, b"drop", 10)
    assert holdings.in_drop(b"drop") is None
    holdings.roll_back()
    assert (holdings.messages, holdings.charged) == (4, 40)
