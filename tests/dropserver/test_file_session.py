"""Transactions of the message file, and opening it again."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.dropserver.file_session import FileSession
from qabel.dropserver.message_rows import MessageRows
from qabel.dropserver.message_tables import open_file
from qabel.dropserver.message_values import Post, Retention


@pytest.fixture
def session(tmp_path: Path) -> Iterator[FileSession]:
    """Return a session of an empty file."""
    path = tmp_path / "drops.sqlite"
    rows = MessageRows(open_file(path), Retention(quota=10**9), lambda: 1_795_000_000.0)
    rows.begin()
    session = FileSession(path, rows)
    yield session
    session.close()


def post(session: FileSession) -> None:
    """Store a message in a transaction."""
    with session.transaction():
        session.rows.insert(Post("A" * 43, b"x"))


def test_an_exception_undoes_a_transaction(session: FileSession) -> None:
    """In the file and in memory; what was committed before stays."""
    post(session)

    def interrupted() -> None:
        with session.transaction():
            session.rows.insert(Post("B" * 43, b"y"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert session.rows.holdings.messages == 1
    assert session.connection.execute("SELECT count(*) FROM message").fetchone() == (1,)
    assert session.reopen() is False
    post(session)


def test_it_is_opened_again_after_an_error_that_remains(session: FileSession) -> None:
    """With what is in the file, once it is asked for, unless it was closed for good."""
    post(session)
    session.connection.close()
    with pytest.raises(sqlite3.Error), session.reading():
        session.rows.latest_stored()
    assert session.reopen() is True
    post(session)
    assert session.rows.holdings.messages == 2
    session.connection.close()
    with pytest.raises(sqlite3.Error):
        post(session)
    session.close()
    assert session.reopen() is False
