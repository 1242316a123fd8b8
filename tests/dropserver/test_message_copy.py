"""Copies of the message file: of one moment, whole, private, and all or nothing."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest

from qabel.dropserver.message_copy import copy_messages
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_tables import open_file
from qabel.dropserver.message_values import Retention, hash_drop_id
from qabel.host.start_errors import StartError
from tests.dropserver.small_disk import damage_page, small_disk
from tests.dropserver.test_message_file import A, B, append, bodies


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Path]:
    """Return the path of a file that a server uses, with messages and drops asked for."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "drops.sqlite"
    file = MessageFile(path, Retention())
    append(file, [(A, b"message %02d:" % number + bytes(2000)) for number in range(40)])
    append(file, [(B, b"y")])
    file.note_asked([B])
    while file.keep_asked():
        pass
    yield path
    file._session.connection.close()


def test_a_copy(source: Path, tmp_path: Path) -> None:
    """It has all that is in the log too, is its owner's alone, and a server can use it."""
    target = tmp_path / "copy?mode=ro#.sqlite"
    found = copy_messages(source, target)
    assert (found.messages, found.drops) == (41, 2)
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [target.name, "data"]
    file = MessageFile(target, Retention())
    assert bodies(file, B) == [b"y"]
    assert hash_drop_id(B) in file._asked.drops
    assert file._connection.execute("PRAGMA page_size").fetchone() == (8192,)
    file.close()


def test_what_was_deleted_is_not_copied(tmp_path: Path) -> None:
    """The copy is as small as what is left."""
    path = tmp_path / "drops.sqlite"
    file = MessageFile(path, Retention())
    append(file, [(A, bytes(2149))] * 300 + [(B, b"y")])
    with file._session.transaction():
        file._rows.delete_oldest_in(hash_drop_id(A), 256)
    copy_messages(path, tmp_path / "copy")
    file.close()
    assert (tmp_path / "copy").stat().st_size < path.stat().st_size / 3


def test_nothing_is_replaced(source: Path, tmp_path: Path) -> None:
    """Whatever has the name stays as it is."""
    target = tmp_path / "copy"
    target.write_text("precious")
    with pytest.raises(StartError, match="exists already"):
        copy_messages(source, target)
    assert target.read_text() == "precious"
    target.unlink()
    target.symlink_to(tmp_path / "nowhere")
    with pytest.raises(StartError, match="exists already"):
        copy_messages(source, target)
    assert not (tmp_path / "nowhere").exists()


def test_what_a_killed_one_left(source: Path, tmp_path: Path) -> None:
    """It is written over; while another process is writing it, there is no second copy."""
    left = tmp_path / ".copy.unfinished"
    left.write_bytes(b"half" * 10_000)
    with left.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(StartError, match="another process is writing"):
            copy_messages(source, tmp_path / "copy")
    copy_messages(source, tmp_path / "copy")
    assert not left.exists()


def test_what_cannot_be_copied(source: Path, tmp_path: Path) -> None:
    """It is said what is wrong, and nothing is left of the copy."""
    other = tmp_path / "other"
    other.write_bytes(b"precious" * 1000)
    new = tmp_path / "new"
    connection = open_file(new)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for path, reason in (
        (tmp_path / "nothing", "there is no file"),
        (other, "file is not a database"),
        (new, "a newer version"),
    ):
        with pytest.raises(StartError, match=reason):
            copy_messages(path, tmp_path / "copy")
    with pytest.raises(StartError, match=r"cannot write .*: No such file or directory"):
        copy_messages(source, tmp_path / "nowhere" / "copy")
    assert [each.name for each in tmp_path.iterdir() if "copy" in each.name] == []


def test_a_damaged_file(tmp_path: Path) -> None:
    """A copy of half of it is none."""
    path = tmp_path / "drops.sqlite"
    file = MessageFile(path, Retention())
    append(file, [(A, b"message %02d:" % number + bytes(2000)) for number in range(40)])
    file.close()
    damage_page(path, b"message 30:")
    with pytest.raises(StartError, match="malformed"):
        copy_messages(path, tmp_path / "copy")
    assert [each.name for each in tmp_path.iterdir() if "copy" in each.name] == []


def test_a_full_disk(source: Path, tmp_path: Path) -> None:
    """The space that the copy took is free again."""
    with small_disk(tmp_path / "disk", 1) as disk:
        file = MessageFile(source, Retention())
        append(file, [(A, bytes(2149))] * 600)
        file._session.connection.close()
        with pytest.raises(StartError, match="full"):
            copy_messages(source, disk.path / "copy")
        assert list(disk.path.iterdir()) == []
