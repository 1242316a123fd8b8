"""The message file: stamps, selections, quotas and expiry, across restarts."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_rows import DAY, MESSAGE_COST, Retention, Since, hash_drop_id
from qabel.dropserver.stamps import SECOND
from tests.dropserver.small_disk import damage_page, small_disk

A = "A" * 43
B = "B" * 43


class Now:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 1_795_000_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def now() -> Now:
    """Return a clock that stands still until it is set."""
    return Now()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the file."""
    return tmp_path / "drops.sqlite"


@pytest.fixture
def file(path: Path, now: Now) -> Iterator[MessageFile]:
    """Return an empty file with a small quota for each drop."""
    file = MessageFile(path, Retention(drop_quota=5), now=now)
    yield file
    file.close()


def bodies(file: MessageFile, drop_id: str, since: Since | None = None) -> list[bytes]:
    """Return the messages that a client would get."""
    selection = file.select(drop_id, since)
    if selection is None:
        return []
    rows = file.read(drop_id, selection.after, selection.newest, 1000)
    assert (len(rows), sum(len(body) for _, body in rows)) == (selection.count, selection.size)
    assert rows[-1][0] == selection.newest
    return [body for _, body in rows]


def test_stamps_are_times_that_always_grow(file: MessageFile, now: Now) -> None:
    """Stamps say when a message arrived, and grow even if the clock stands still or goes back."""
    first, second = file.append([(A, b"1"), (B, b"2")])
    now.seconds -= 3600
    (third,) = file.append([(A, b"3")])
    assert first == 1_795_000_000 * SECOND
    assert (second, third) == (first + 1, first + 2)


def test_stamps_grow_across_a_restart(path: Path, now: Now) -> None:
    """A stamp is never issued twice, even if its message was deleted and the clock went back."""
    file = MessageFile(path, Retention(), now=now)
    (before,) = file.append([(A, b"1")])
    now.seconds += 8 * DAY
    assert file.expire() == 1
    file.close()
    now.seconds -= 100 * DAY
    file = MessageFile(path, Retention(), now=now)
    (after,) = file.append([(A, b"2")])
    assert after == before + 1
    assert bodies(file, A) == [b"2"]
    file.close()


def test_a_drop_gives_its_own_messages_oldest_first(file: MessageFile) -> None:
    """Each drop has its own messages, in their order of arrival."""
    file.append([(A, b"1"), (B, b"2"), (A, b"3")])
    assert bodies(file, A) == [b"1", b"3"]
    assert bodies(file, B) == [b"2"]
    assert bodies(file, "C" * 43) == []


def test_since_gives_only_what_is_newer(file: MessageFile) -> None:
    """A stamp stands for everything committed up to it."""
    first, _, third = file.append([(A, b"1"), (A, b"2"), (A, b"3")])
    assert bodies(file, A, Since(first)) == [b"2", b"3"]
    assert bodies(file, A, Since(third)) == []


def test_a_stamp_from_elsewhere_hides_nothing(file: MessageFile) -> None:
    """A stamp that this file never issued is ignored, unless it is a time of day."""
    (stamp,) = file.append([(A, b"1")])
    assert bodies(file, A, Since(stamp + 1)) == [b"1"]
    assert bodies(file, A, Since(stamp + 1, is_ours=False)) == []


def test_a_drop_keeps_its_newest_messages(file: MessageFile) -> None:
    """A drop beyond its quota loses its own oldest messages, and no other drop's."""
    file.append([(B, b"other")])
    for number in range(8):
        file.append([(A, b"%d" % number)])
    assert bodies(file, A) == [b"3", b"4", b"5", b"6", b"7"]
    assert bodies(file, B) == [b"other"]


def test_all_drops_share_a_quota(path: Path, now: Now) -> None:
    """Beyond the common quota the oldest messages of all drops are deleted."""
    file = MessageFile(path, Retention(quota=3 * (100 + MESSAGE_COST)), now=now)
    file.append([(drop, bytes([number]) * 100) for number, drop in enumerate([A, B, A, B, A])])
    assert [body[:1] for body in bodies(file, A)] == [b"\2", b"\4"]
    assert [body[:1] for body in bodies(file, B)] == [b"\3"]
    file.close()


def test_a_lowered_quota_is_reached_bit_by_bit(path: Path, now: Now) -> None:
    """Messages beyond a lowered quota are deleted step by step, oldest first."""
    file = MessageFile(path, Retention(), now=now)
    for _ in range(10):
        file.append([(A, b"x")] * 500)
    file.close()
    file = MessageFile(path, Retention(quota=10 * (1 + MESSAGE_COST)), now=now)
    while file.expire():
        pass
    assert len(bodies(file, A)) == 10
    file.close()


def test_messages_expire(file: MessageFile, now: Now) -> None:
    """A message is kept for its lifetime, not longer."""
    file.append([(A, b"old")])
    now.seconds += 6 * DAY
    file.append([(A, b"new")])
    assert file.expire() == 0
    now.seconds += 1 * DAY + 1
    assert file.expire() == 1
    assert file.expire() == 0
    assert bodies(file, A) == [b"new"]


def test_what_is_gone_is_gone_from_the_disk(file: MessageFile, path: Path, now: Now) -> None:
    """Neither the file nor its log contains the bytes of an expired message."""
    secret = b"a sentence that stands nowhere else"
    file.append([(A, secret)])
    now.seconds += 8 * DAY
    file.expire()
    file.forget_deleted()
    for part in path.parent.iterdir():
        assert secret not in part.read_bytes()


def test_the_file_opens_no_drop(file: MessageFile, path: Path) -> None:
    """The file contains no drop id, only its hash."""
    file.append([(A, b"x")])
    file.forget_deleted()
    content = path.read_bytes()
    assert A.encode() not in content
    assert hash_drop_id(A) in content


def test_a_failed_commit_keeps_nothing(file: MessageFile) -> None:
    """If one message cannot be stored, none of its transaction is, and stamps continue."""
    (before,) = file.append([(A, b"1")])
    with pytest.raises(sqlite3.Error):
        file.append([(A, b"2"), (A, "no bytes")])  # type: ignore[list-item]
    assert bodies(file, A) == [b"1"]
    assert file.append([(A, b"3")]) == [before + 1]


def test_expiry_and_selection_use_indexes(file: MessageFile) -> None:
    """No frequent query scans a whole table."""
    statements: list[str] = []
    file._connection.set_trace_callback(statements.append)
    file.append([(A, b"%d" % number) for number in range(7)])
    file.select(A, Since(0))
    file.read(A, 0, 2**60, 5)
    file.expire()
    file._connection.set_trace_callback(None)
    for statement in set(statements):
        if statement.startswith(("SELECT", "DELETE")) and "state" not in statement:
            plan = file._connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert all("SEARCH" in step[3] for step in plan), (statement, plan)


OPERATIONS = st.lists(
    st.one_of(
        st.lists(
            st.tuples(st.sampled_from([A, B]), st.binary(min_size=1, max_size=300)), max_size=4
        ),
        st.sampled_from(["expire", "later", "reopen"]),
    ),
    max_size=20,
)


@settings(max_examples=60)
@given(operations=OPERATIONS)
def test_it_does_what_lists_would_do(
    tmp_path_factory: pytest.TempPathFactory, operations: list[object]
) -> None:
    """Any sequence of operations leaves the same messages as in a simple model."""
    now = Now()
    path = tmp_path_factory.mktemp("model") / "drops.sqlite"
    retention = Retention(quota=1500, drop_quota=4)
    file = MessageFile(path, retention, now=now)
    model: list[tuple[int, str, bytes]] = []
    for operation in operations:
        if operation == "expire":
            file.expire()
            model = [m for m in model if m[0] >= (now() - retention.lifetime) * SECOND]
        elif operation == "later":
            now.seconds += 3 * DAY
        elif operation == "reopen":
            file.close()
            file = MessageFile(path, retention, now=now)
        else:
            for stamp, (drop, body) in zip(file.append(operation), operation, strict=True):
                model.append((stamp, drop, body))
                mine = [m for m in model if m[1] == drop]
                if len(mine) > retention.drop_quota:
                    model.remove(mine[0])
            while sum(len(m[2]) + MESSAGE_COST for m in model) > retention.quota:
                model.pop(0)
        for drop in (A, B):
            assert bodies(file, drop) == [m[2] for m in model if m[1] == drop]
    file.close()


def filled(path: Path, now: Now, retention: Retention) -> MessageFile:
    """Return a file with a large message in each of 40 drops."""
    file = MessageFile(path, retention, now=now)
    for number in range(40):
        file.append([(f"{number:043d}", f"message {number}:".encode().ljust(2500, b"."))])
        now.seconds += 60
    return file


def test_damage_concerns_its_own_drops_only(path: Path, now: Now) -> None:
    """Over a damaged page reading fails; other drops are read, and messages stored and deleted."""
    retention = Retention(quota=41 * (2500 + MESSAGE_COST))
    filled(path, now, retention).close()
    damage_page(path, b"message 3:")
    file = MessageFile(path, retention, now=now)
    with pytest.raises(sqlite3.DatabaseError):
        bodies(file, f"{3:043d}")
    assert bodies(file, f"{20:043d}")
    for number in range(30):
        file.append([(A, b"%d" % number)])
        file.expire()
    assert bodies(file, A) == [b"%d" % number for number in range(30)]
    now.seconds += 8 * DAY
    file.append([(A, b"new")])
    while file.expire():
        pass
    assert bodies(file, A) == [b"new"]
    assert bodies(file, f"{20:043d}") == bodies(file, f"{3:043d}") == []
    file.close()


def test_a_connection_that_stays_broken_is_opened_again(file: MessageFile) -> None:
    """After an error that remains, the file is opened anew, and nothing is lost."""
    file.append([(A, b"1")])
    file._connection.close()
    with pytest.raises(sqlite3.Error):
        file.append([(A, b"2")])
    assert bodies(file, A) == [b"1"]
    file.append([(A, b"3")])
    assert bodies(file, A) == [b"1", b"3"]


def test_a_full_disk_keeps_what_is_deleted_in_order(tmp_path: Path, now: Now) -> None:
    """On a full disk what is due is deleted, and as much is stored again; with space, more."""
    with small_disk(tmp_path / "disk", 4) as disk:
        path = disk.path / "drops.sqlite"
        file = filled(path, now, Retention())
        disk.fill()
        with suppress(sqlite3.OperationalError):
            for _ in range(200):
                file.append([(A, bytes(2500))])
        with pytest.raises(sqlite3.OperationalError, match="full"):
            file.append([(A, bytes(2500))])
        stored = len(bodies(file, A))
        assert bodies(file, f"{20:043d}")
        assert file.batch < 32
        now.seconds += 8 * DAY
        for number in range(20):
            file.append([(B, bytes([number]) * 2500)])
        assert bodies(file, A) == []
        assert len(bodies(file, B)) == 20
        for _ in range(3):
            file.close()
            file = MessageFile(path, Retention(), now=now)
            file.append([(B, bytes(2500))])
            file.forget_deleted()
        disk.free()
        file._retry_at = 0
        for _ in range(stored + 40):
            file.append([(A, bytes(2500))])
        assert path.with_suffix(".reserve").exists()
        file.close()
