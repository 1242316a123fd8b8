"""What is due goes: as much as may be at once, and around damaged pages."""

from pathlib import Path

import pytest

from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_expiry import MessageExpiry
from qabel.dropserver.message_rows import DELETE_BATCH, SMALL_BATCH, MessageRows
from qabel.dropserver.message_tables import open_file
from qabel.dropserver.message_values import DAY, Post, Retention
from tests.dropserver.small_disk import damage_page
from tests.dropserver.test_message_file import Now


def opened(path: Path, now: Now) -> FileSession:
    """Open a file."""
    rows = MessageRows(open_file(path), Retention(quota=10**9), now)
    rows.begin()
    return FileSession(path, rows)


def fill(session: FileSession, count: int) -> None:
    """Store messages."""
    with session.transaction():
        for number in range(count):
            session.rows.insert(Post("A" * 43, b"message %03d:" % number + bytes(2000)))


@pytest.mark.parametrize(("few", "batch"), [(False, DELETE_BATCH), (True, SMALL_BATCH)])
def test_a_batch_at_a_time(tmp_path: Path, few: bool, batch: int) -> None:
    """Until none is left."""
    now = Now()
    session = opened(tmp_path / "drops.sqlite", now)
    fill(session, batch + 1)
    expiry = MessageExpiry(session)
    assert expiry.expire(few=few) == 0
    now.seconds += 8 * DAY
    assert [expiry.expire(few=few) for _ in range(3)] == [batch, 1, 0]
    assert session.rows.holdings.messages == 0
    session.close()


def test_what_can_be_read(tmp_path: Path) -> None:
    """Around a damaged page, messages go one by one."""
    now = Now()
    path = tmp_path / "drops.sqlite"
    session = opened(path, now)
    fill(session, 30)
    session.close()
    damage_page(path, b"message 010:")
    now.seconds += 8 * DAY
    session = opened(path, now)
    assert MessageExpiry(session).expire_readable() > 10
    (left,) = session.connection.execute(
        "SELECT count(*) FROM message INDEXED BY message_of_place"
    ).fetchone()
    # Deleting takes the pages beside it, too.
    assert 1 <= left <= 20
    session.connection.close()
