"""The message file: stamps, selections, quotas and expiry, across restarts."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.dropserver.admission import Full
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_rows import MOST_COUNTED
from qabel.dropserver.message_values import (
    DAY,
    Post,
    Retention,
    Since,
    charge,
    hash_drop_id,
)
from qabel.dropserver.stamps import SECOND
from qabel.host.http_server.sources import LOCAL, Source
from qabel.host.start_errors import StartError
from tests.dropserver.small_disk import damage_page, small_disk

A = "A" * 43
B = "B" * 43


ALICE, BOB, FLOOD = b"\1aaa", b"\2bbb", b"\3fff"


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


def append(
    file: MessageFile, messages: Iterable[tuple[str, bytes]], source: Source = LOCAL
) -> list[int]:
    """Store messages for which there is room; return their stamps."""
    stamps = file.append(Post(drop, body, source) for drop, body in messages)
    assert Full.DROP not in stamps
    assert Full.SERVER not in stamps
    return [stamp for stamp in stamps if isinstance(stamp, int)]


def bodies(file: MessageFile, drop_id: str, since: Since | None = None) -> list[bytes]:
    """Return the messages that a client would get."""
    selection = file.select(drop_id, since)
    if selection is None:
        return []
    rows = file.read(drop_id, selection.after, selection.newest, 1000)
    assert (len(rows), sum(len(body) for _, body in rows)) == selection.counted
    assert rows[-1][0] == selection.newest
    return [body for _, body in rows]


def test_stamps_are_times_that_always_grow(file: MessageFile, now: Now) -> None:
    """Stamps say when a message arrived, and grow even if the clock stands still or goes back."""
    first, second = append(file, [(A, b"1"), (B, b"2")])
    now.seconds -= 3600
    (third,) = append(file, [(A, b"3")])
    assert first == 1_795_000_000 * SECOND
    assert (second, third) == (first + 1, first + 2)


def test_stamps_grow_across_a_restart(path: Path, now: Now) -> None:
    """A stamp is never issued twice, even if its message was deleted and the clock went back."""
    file = MessageFile(path, Retention(), now=now)
    (before,) = append(file, [(A, b"1")])
    now.seconds += 8 * DAY
    assert file.expire() == 1
    file.close()
    now.seconds -= 100 * DAY
    file = MessageFile(path, Retention(), now=now)
    (after,) = append(file, [(A, b"2")])
    assert after == before + 1
    assert bodies(file, A) == [b"2"]
    file.close()


def test_a_drop_gives_its_own_messages_oldest_first(file: MessageFile) -> None:
    """Each drop has its own messages, in their order of arrival."""
    append(file, [(A, b"1"), (B, b"2"), (A, b"3")])
    assert bodies(file, A) == [b"1", b"3"]
    assert bodies(file, B) == [b"2"]
    assert bodies(file, "C" * 43) == []


def test_since_gives_only_what_is_newer(file: MessageFile) -> None:
    """A stamp stands for everything committed up to it."""
    first, _, third = append(file, [(A, b"1"), (A, b"2"), (A, b"3")])
    assert bodies(file, A, Since(first)) == [b"2", b"3"]
    assert bodies(file, A, Since(third)) == []


def test_a_stamp_from_elsewhere_hides_nothing(file: MessageFile) -> None:
    """A stamp that this file never issued is ignored, unless it is a time of day."""
    (stamp,) = append(file, [(A, b"1")])
    assert bodies(file, A, Since(stamp + 1)) == [b"1"]
    assert bodies(file, A, Since(stamp + 1, is_ours=False)) == []


def test_a_lowered_quota_is_reached_bit_by_bit(path: Path, now: Now) -> None:
    """Messages beyond a lowered quota are deleted step by step, oldest first."""
    file = MessageFile(path, Retention(), now=now)
    for number in range(10):
        append(file, [(A, b"%d" % number)] * 500)
    file.close()
    file = MessageFile(path, Retention(quota=10 * charge(1)), now=now)
    while file.expire():
        pass
    assert bodies(file, A) == [b"9"] * 10
    file.close()


def test_many_messages_are_not_counted(path: Path, now: Now) -> None:
    """Of more than a thousand it is not said how many there are: to count them takes long."""
    file = MessageFile(path, Retention(), now=now)
    stamps = append(file, [(A, b"x")] * (MOST_COUNTED + 1))
    many, all_but_one = file.select(A), file.select(A, Since(stamps[0]))
    assert many is not None
    assert all_but_one is not None
    assert (many.counted, all_but_one.counted) == (None, (MOST_COUNTED, MOST_COUNTED))
    file.close()


def test_a_file_of_version_1(path: Path, now: Now) -> None:
    """It is brought up to date, with all that it has; what a newer program wrote is refused."""
    MessageFile(path, Retention(), now=now).close()
    old = sqlite3.connect(path)
    old.executescript("DROP TABLE asked; DROP TABLE asking")
    for stamp in (1, 2):
        row = (stamp, hash_drop_id(A), stamp, stamp * 9, 9, b"message %d" % stamp)
        old.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)", row)
    old.execute("UPDATE state SET latest = 2, charged = 18")
    old.execute("PRAGMA user_version = 1")
    old.commit()
    old.close()
    now.seconds = 0
    file = MessageFile(path, Retention(), now=now)
    append(file, [(A, b"message 3")])
    assert bodies(file, A) == [b"message %d" % number for number in (1, 2, 3)]
    file._connection.execute("PRAGMA user_version = 4")
    file.close()
    with pytest.raises(StartError, match="newer version"):
        MessageFile(path, Retention(), now=now)


def test_messages_expire(file: MessageFile, now: Now) -> None:
    """A message is kept for its lifetime, not longer."""
    append(file, [(A, b"old")])
    now.seconds += 6 * DAY
    append(file, [(A, b"new")])
    assert file.expire() == 0
    now.seconds += 1 * DAY + 1
    assert file.expire() == 1
    assert file.expire() == 0
    assert bodies(file, A) == [b"new"]


def test_what_is_gone_is_gone_from_the_disk(file: MessageFile, path: Path, now: Now) -> None:
    """Neither the file nor its log contains the bytes of an expired message."""
    secret = b"a sentence that stands nowhere else"
    append(file, [(A, secret)])
    now.seconds += 8 * DAY
    file.expire()
    file.forget_deleted()
    for part in path.parent.iterdir():
        assert secret not in part.read_bytes()


def test_the_file_opens_no_drop(file: MessageFile, path: Path) -> None:
    """The file contains no drop id, only its hash."""
    append(file, [(A, b"x")])
    file.forget_deleted()
    content = path.read_bytes()
    assert A.encode() not in content
    assert hash_drop_id(A) in content


def test_a_failed_commit_keeps_nothing(file: MessageFile) -> None:
    """If one message cannot be stored, none of its transaction is, and stamps continue."""
    (before,) = append(file, [(A, b"1")])
    with pytest.raises(sqlite3.Error):
        append(file, [(A, b"2"), (A, "no bytes")])  # type: ignore[list-item]
    assert bodies(file, A) == [b"1"]
    assert append(file, [(A, b"3")]) == [before + 1]


def test_expiry_and_selection_use_indexes(file: MessageFile) -> None:
    """No frequent query scans a whole table."""
    statements: list[str] = []
    file._connection.set_trace_callback(statements.append)
    for count, source in ((4, FLOOD), (2, ALICE), (1, BOB)):
        append(file, [(A, b"x")] * count, source)
    file.select(A, Since(0))
    file.read(A, 0, 2**60, 5)
    file.expire()
    file._connection.set_trace_callback(None)
    for statement in set(statements):
        if statement.startswith(("SELECT", "DELETE")) and "state" not in statement:
            plan = file._connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert not any("SCAN message" in step[3] for step in plan), (statement, plan)


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
    retention = Retention(quota=6 * charge(300), drop_quota=4)
    file = MessageFile(path, retention, now=now)
    model: list[tuple[int, str, bytes]] = []
    for operation in operations:
        if operation == "expire":
            file.expire()
            model = [m for m in model if m[0] >= (now() - retention.lifetime) * SECOND]
        elif operation == "later":
            now.seconds += 3 * DAY
        elif operation == "reopen":
            file._connection.close()
            with pytest.raises(sqlite3.Error):
                file.usage()
        else:
            assert isinstance(operation, list)
            for drop, body in operation:
                (stamp,) = file.append([Post(drop, body, ALICE)])
                if sum(1 for m in model if m[1] == drop) >= retention.drop_quota:
                    assert stamp == Full.DROP
                elif len(model) >= 6:
                    assert stamp == Full.SERVER
                else:
                    assert isinstance(stamp, int)
                    model.append((stamp, drop, body))
        for drop in (A, B):
            assert bodies(file, drop) == [m[2] for m in model if m[1] == drop]
    file.close()


def filled(path: Path, now: Now, retention: Retention) -> MessageFile:
    """Return a file with a large message in each of 40 drops."""
    file = MessageFile(path, retention, now=now)
    for number in range(40):
        append(file, [(f"{number:043d}", f"message {number}:".encode().ljust(2500, b"."))])
        now.seconds += 60
    return file


def test_damage_concerns_its_own_drops_only(path: Path, now: Now) -> None:
    """Over a damaged page reading fails; other drops are read, and messages stored and deleted."""
    retention = Retention(quota=41 * charge(2500))
    filled(path, now, retention).close()
    damage_page(path, b"message 33:")
    file = MessageFile(path, retention, now=now)
    with pytest.raises(sqlite3.DatabaseError):
        bodies(file, f"{33:043d}")
    assert bodies(file, f"{19:043d}")
    for number in range(20):
        append(file, [(A, b"%d" % number)], ALICE)
        file.expire()
    assert bodies(file, A) == [b"%d" % number for number in range(20)]
    assert bodies(file, f"{19:043d}")
    now.seconds += 8 * DAY
    append(file, [(A, b"new")])
    while file.expire():
        pass
    assert bodies(file, A) == [b"new"]
    assert bodies(file, f"{20:043d}") == bodies(file, f"{33:043d}") == []
    file.close()


def test_a_connection_that_stays_broken_is_opened_again(file: MessageFile) -> None:
    """After an error that remains, the file is opened anew, and nothing is lost."""
    append(file, [(A, b"1")])
    file._connection.close()
    with pytest.raises(sqlite3.Error):
        append(file, [(A, b"2")])
    assert bodies(file, A) == [b"1"]
    append(file, [(A, b"3")])
    assert bodies(file, A) == [b"1", b"3"]


def test_a_full_disk_keeps_what_is_deleted_in_order(tmp_path: Path, now: Now) -> None:
    """On a full disk what is due is deleted, and as much is stored again; with space, more."""
    with small_disk(tmp_path / "disk", 4) as disk:
        path = disk.path / "drops.sqlite"
        file = filled(path, now, Retention())
        disk.fill()
        with suppress(sqlite3.OperationalError):
            for _ in range(200):
                append(file, [(A, bytes(2500))])
        with pytest.raises(sqlite3.OperationalError, match="full"):
            append(file, [(A, bytes(2500))])
        stored = len(bodies(file, A))
        assert bodies(file, f"{20:043d}")
        assert file.batch < 32
        now.seconds += 8 * DAY
        for number in range(20):
            append(file, [(B, bytes([number]) * 2500)])
        assert bodies(file, A) == []
        assert len(bodies(file, B)) == 20
        for _ in range(3):
            file.close()
            file = MessageFile(path, Retention(), now=now)
            append(file, [(B, bytes(2500))])
            file.forget_deleted()
        disk.free()
        file._retry_at = 0
        for _ in range(stored + 40):
            append(file, [(A, bytes(2500))])
        assert path.with_suffix(".reserve").exists()
        file.close()


def test_who_asks_is_noted_in_memory_while_the_disk_is_full(tmp_path: Path, now: Now) -> None:
    """It is written once there is space again, and takes none before."""
    with small_disk(tmp_path / "disk", 4) as disk:
        path = disk.path / "drops.sqlite"
        file = MessageFile(path, Retention(), now=now)
        for number in range(600):
            append(file, [(f"{number:043d}", bytes(2149))])
        disk.fill()
        file.note_asked([f"{number:043d}" for number in range(20_000)])
        while file.keep_asked():
            pass
        assert file.usage().is_disk_full
        assert file.keep_asked() is False
        assert append(file, [(A, b"x")])
        assert len(file._asked.drops.changed) > 1000
        disk.free()
        file._retry_at = 0
        while file.keep_asked():
            pass
        assert file._asked.drops.changed == set()
        file._session.connection.close()
        file = MessageFile(path, Retention(), now=now)
        assert all(hash_drop_id(f"{number:043d}") in file._asked.drops for number in range(20_000))
        file.close()
