"""``qabel-block check``: a server that is whole, and each fault that it can have."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from qabel.blockserver import check_command
from qabel.blockserver.block_values import Conditions, ObjectPath
from qabel.blockserver.check_command import _faults
from qabel.blockserver.folder_objects import object_path
from qabel.blockserver.index_tables import INDEX_NAME, OBJECTS, read_index
from qabel.blockserver.object_index import ObjectIndex
from tests.blockserver.command_runs import BlockCommand
from tests.blockserver.conftest import ANNA
from tests.blockserver.indexes import index_in, put


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str], logged_failures: Any) -> BlockCommand:
    """Return the command, with a data directory that is empty."""
    return BlockCommand(check_command.run, tmp_path, capsys, logged_failures)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ObjectIndex]:
    """Return the index of a server, with two accounts and a prefix."""
    with index_in(tmp_path, 10_000) as index:
        index.make_prefix(ANNA)
        yield index


def store(index: ObjectIndex, data: Path, name: str, size: int = 100) -> str:
    """Store an object at a path of Anna's, and return its name."""
    object_ = f"{name:0>32}"
    put(index, path_of(index, name), object_, size)
    path = object_path(data / OBJECTS, object_)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return object_


def path_of(index: ObjectIndex, name: str) -> ObjectPath:
    """Return a path in Anna's prefix."""
    return ObjectPath(index.prefixes(ANNA)[0], name)


def faults(check: BlockCommand) -> list[str]:
    """Return the faults that are said, of a server that is not whole."""
    done = check()
    assert (done.status, done.out) == (1, [])
    assert all(each.startswith("qabel-block check: ") for each in done.errors)
    return [each.removeprefix("qabel-block check: ") for each in done.errors]


def test_a_whole_server(check: BlockCommand, index: ObjectIndex, tmp_path: Path) -> None:
    """It says how much there is, and that it is whole; one that is new is whole, too."""
    first, second, third = check().out
    assert first == f"{tmp_path} is whole."
    assert second == "Objects: 0, with 0 bytes. Prefixes: 1."
    assert re.fullmatch(r"The disk has [\d,.]+ \w+ free\.", third)
    for name in ("1", "2", "3"):
        store(index, tmp_path, name, 512)
    done = check()
    assert (done.status, done.errors, len(done.out)) == (0, [], 3)
    assert done.out[1] == "Objects: 3, with 1.5 KiB. Prefixes: 1."


def test_objects_of_no_file(check: BlockCommand, index: ObjectIndex, tmp_path: Path) -> None:
    """They are no fault: they are deleted some time."""
    kept, left = store(index, tmp_path, "1"), store(index, tmp_path, "2")
    assert index.remove(ANNA, path_of(index, "2"), Conditions()) == left
    done = check()
    assert (done.status, done.errors) == (0, [])
    assert done.out[2] == (
        "Objects of no file: 1. They are being uploaded, or are deleted within a day."
    )
    assert object_path(tmp_path / OBJECTS, kept).exists()
    assert object_path(tmp_path / OBJECTS, left).exists()


def test_what_is_wrong_with_objects(
    check: BlockCommand, index: ObjectIndex, tmp_path: Path
) -> None:
    """Those that are missing are named, and those of another size."""
    missing, changed, _ = (store(index, tmp_path, name) for name in ("1", "2", "3"))
    object_path(tmp_path / OBJECTS, missing).unlink()
    object_path(tmp_path / OBJECTS, changed).write_bytes(bytes(99))
    assert sorted(faults(check)) == [
        f"the object {missing} is missing",
        f"the object {changed} has 99 bytes, not 100",
    ]


@pytest.mark.parametrize("change", ["used = 99", "objects = 2", "used = 0, objects = 0"])
def test_a_wrong_charge(
    check: BlockCommand, index: ObjectIndex, tmp_path: Path, change: str
) -> None:
    """What an account is charged must be what it has."""
    store(index, tmp_path, "1")
    index.connection.execute(f"UPDATE token SET {change} WHERE name = 'anna'")
    account = index.account(ANNA)
    assert faults(check) == [
        f"'anna' is charged {account.used} bytes in {account.objects} objects, but has 100 in 1"
    ]


def test_many_faults(check: BlockCommand, index: ObjectIndex, tmp_path: Path) -> None:
    """Some are shown, and the others counted."""
    for number in range(13):
        object_path(tmp_path / OBJECTS, store(index, tmp_path, f"{number}")).unlink()
    found = faults(check)
    assert len(found) == 11
    assert found[-1] == "and 3 more"


def test_what_is_removed_meanwhile(index: ObjectIndex, tmp_path: Path) -> None:
    """What was at a path when the check began, and is not any more, may be gone."""
    changed, removed, missing = (store(index, tmp_path, name) for name in ("1", "2", "3"))
    object_path(tmp_path / OBJECTS, changed).write_bytes(b"")
    with closing(read_index(tmp_path / INDEX_NAME)) as connection:
        found = _faults(connection, tmp_path / OBJECTS)
        assert next(found) == f"the object {changed} has 0 bytes, not 100"
        assert index.remove(ANNA, path_of(index, "2"), Conditions()) == removed
        object_path(tmp_path / OBJECTS, removed).unlink()
        object_path(tmp_path / OBJECTS, missing).unlink()
        assert list(found) == [f"the object {missing} is missing"]


def test_a_damaged_index(check: BlockCommand, index: ObjectIndex, tmp_path: Path) -> None:
    """It is said in a line."""
    for number in range(99):
        store(index, tmp_path, f"{number}", 1)
    index.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    index.connection.close()
    content = (tmp_path / INDEX_NAME).read_bytes()
    damaged = content[: len(content) // 2] + bytes(4096) + content[len(content) // 2 + 4096 :]
    (tmp_path / INDEX_NAME).write_bytes(damaged)
    (fault,) = faults(check)
    assert re.match(r"the index is damaged: |database disk image is malformed", fault)
    (tmp_path / INDEX_NAME).write_text("precious" * 1000)
    assert faults(check) == ["file is not a database"]


def test_no_server(check: BlockCommand, tmp_path: Path) -> None:
    """Nothing is made."""
    missing = f"there is no block server: {tmp_path / INDEX_NAME} is missing"
    assert faults(check) == [missing]
    assert list(tmp_path.iterdir()) == []


def test_a_path_that_cannot_be_used(check: BlockCommand, tmp_path: Path) -> None:
    """That is said in a line, too."""
    too_long = BlockCommand(check.run, tmp_path / ("x" * 300), check.capsys, check.logged)
    (fault,) = faults(too_long)
    assert re.search("File name too long|is missing", fault)


def test_nothing_is_changed(check: BlockCommand, index: ObjectIndex, tmp_path: Path) -> None:
    """Neither the index nor the objects."""
    store(index, tmp_path, "1")
    files = [tmp_path / INDEX_NAME, tmp_path / f"{INDEX_NAME}-wal", *tmp_path.glob("objects/*/*")]
    before = [each.read_bytes() for each in files]
    assert check().status == 0
    assert [each.read_bytes() for each in files] == before
    assert len(files) == 3
