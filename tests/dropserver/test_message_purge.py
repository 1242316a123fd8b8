"""Purging: what of whom is deleted, and what stays, step by step."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.dropserver.message_copy import copy_messages
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_purge import LOOKED_AT, MessagePurge, PurgedMessages
from qabel.dropserver.message_values import Post, Retention, charge
from tests.dropserver.small_disk import damage_page, small_disk
from tests.dropserver.test_message_file import ALICE, FLOOD, Now, append, bodies

DROP = "real" + "D" * 39


def made_up(number: int) -> str:
    """Return a drop that nobody has."""
    return f"{number:043d}"


@pytest.fixture
def now() -> Now:
    """Return a clock that stands still until it is set."""
    return Now()


@pytest.fixture
def file(tmp_path: Path, now: Now) -> Iterator[MessageFile]:
    """Return an empty file."""
    file = MessageFile(tmp_path / "drops.sqlite", Retention(), now=now)
    yield file
    file.close()


def purge(file: MessageFile, since: float, *, is_dry_run: bool = False) -> PurgedMessages:
    """MessagePurge to the end."""
    work = MessagePurge(since, is_dry_run)
    for _ in range(1000):
        if file.purge(work).is_done:
            return work.purged
    raise AssertionError("it has no end")


def test_a_flood_goes(file: MessageFile, now: Now) -> None:
    """Of made-up drops since then; not what is older, and not of drops that somebody asks for."""
    append(file, [(made_up(1), b"before")], ALICE)
    now.seconds += 100
    since = now.seconds
    bodies(file, DROP)
    now.seconds += 100
    append(file, [(DROP, b"to a friend")], ALICE)
    append(file, [(made_up(number), b"x") for number in range(1, 601)], FLOOD)
    append(file, [(made_up(7), bytes(2573))], FLOOD)
    expected = PurgedMessages(
        messages=601, drops=600, charged=600 * charge(1) + charge(2573), kept=1
    )
    assert purge(file, since, is_dry_run=True) == expected
    assert file.usage().messages == 603
    assert purge(file, since) == expected
    assert purge(file, since) == PurgedMessages(kept=1)
    assert bodies(file, DROP) == [b"to a friend"]
    assert bodies(file, made_up(1)) == [b"before"]
    assert (file.usage().messages, file.usage().charged) == (2, 2 * charge(1))
    assert file.usage().shares == [2 * charge(1)]


def test_shares_and_quotas_are_right_afterwards(tmp_path: Path, now: Now) -> None:
    """There is room again for all, also in a drop that was full; a restart counts the same."""
    path = tmp_path / "drops.sqlite"
    retention = Retention(quota=100 * charge(1), drop_quota=50)
    file = MessageFile(path, retention, now=now)
    append(file, [(made_up(1), b"x")] * 50 + [(made_up(2), b"x")] * 50, FLOOD)
    full = file.append([Post(made_up(1), b"y", FLOOD), Post(made_up(3), b"y", FLOOD)])
    assert not any(isinstance(each, int) for each in full)
    assert purge(file, now.seconds).messages == 100
    append(file, [(made_up(1), b"y")] * 50 + [(made_up(3), b"y")] * 50, FLOOD)
    usage = file.usage()
    file.close()
    file = MessageFile(path, retention, now=now)
    assert (file.usage().messages, file.usage().charged) == (usage.messages, usage.charged)
    file.close()


def test_it_holds_up_nobody_for_long(file: MessageFile, now: Now) -> None:
    """A step is small, and who asks between two steps keeps the messages of the drop."""
    since = now.seconds
    append(file, [(made_up(number), b"x") for number in range(2000)], FLOOD)
    work = MessagePurge(since, is_dry_run=False)
    file.purge(work)
    assert work.purged.messages == 256
    kept = next(number for number in range(2000) if bodies(file, made_up(number)))
    while not file.purge(work).is_done:
        assert work.purged.messages <= 2000
    left = [number for number in range(kept, 2000) if bodies(file, made_up(number))]
    assert (work.purged.messages, left) == (1999, [kept])


def test_many_that_stay_are_passed_over(file: MessageFile, now: Now) -> None:
    """Old messages are looked at many at a time."""
    append(file, [(made_up(1), b"x")] * (2 * LOOKED_AT), FLOOD)
    now.seconds += 100
    append(file, [(made_up(2), b"x")], FLOOD)
    work, steps = MessagePurge(now.seconds, is_dry_run=False), 0
    while not file.purge(work).is_done:
        steps += 1
    assert (work.purged.messages, steps) == (1, 3)


def test_what_was_asked_is_known_after_a_restart(tmp_path: Path, now: Now) -> None:
    """Once it was stored, as it is each minute and at the end; after a kill, too."""
    path = tmp_path / "drops.sqlite"
    file = MessageFile(path, Retention(), now=now)
    bodies(file, DROP)
    while file.keep_asked():
        pass
    file._session.connection.close()
    file = MessageFile(path, Retention(), now=now)
    file.note_asked([made_up(5)])
    file.close()
    file = MessageFile(path, Retention(), now=now)
    append(file, [(DROP, b"1"), (made_up(5), b"2"), (made_up(6), b"3")])
    assert purge(file, now.seconds - 1) == PurgedMessages(
        messages=1, drops=1, charged=charge(1), kept=2
    )
    file.close()


def test_no_message_is_without_what_is_known_of_its_drop(tmp_path: Path, now: Now) -> None:
    """Killed at any time, or copied: a message was stored with what was known by then."""
    path = tmp_path / "drops.sqlite"
    file = MessageFile(path, Retention(), now=now)
    assert bodies(file, DROP) == []
    append(file, [(DROP, b"1"), (made_up(6), b"2")])
    file.note_asked([made_up(6)])
    copied = copy_messages(path, tmp_path / "copy")
    file._session.connection.close()
    assert copied.messages == 2
    for each in (path, tmp_path / "copy"):
        file = MessageFile(each, Retention(), now=now)
        assert purge(file, 0) == PurgedMessages(messages=1, drops=1, charged=charge(1), kept=1)
        file.close()


def test_an_older_file(tmp_path: Path, now: Now) -> None:
    """What was posted before it was noted who asks stays, and it is said since when that is."""
    path = tmp_path / "drops.sqlite"
    file = MessageFile(path, Retention(), now=now)
    append(file, [(made_up(1), b"x")])
    file._connection.executescript("DROP TABLE asked; DROP TABLE asking; PRAGMA user_version = 2;")
    file._session.connection.close()
    now.seconds += 60.5
    file = MessageFile(path, Retention(), now=now)
    now.seconds += 60
    append(file, [(made_up(1), b"y")])
    since = int(now.seconds - 60)
    done = purge(file, 0)
    assert done == PurgedMessages(messages=1, drops=1, charged=charge(1), known_since=since)
    assert bodies(file, made_up(1)) == [b"x"]
    file.close()


def test_a_damaged_page(file: MessageFile, tmp_path: Path, now: Now) -> None:
    """What cannot be deleted is counted, and the rest is deleted."""
    path = tmp_path / "drops.sqlite"
    for number in range(60):
        append(file, [(made_up(number), b"message %02d:" % number + bytes(2000))], FLOOD)
    file.close()
    damage_page(path, b"message 30:")
    file = MessageFile(path, Retention(), now=now)
    done = purge(file, 0)
    assert done.messages + done.damaged == 60
    # Deleting takes the pages beside it, too.
    assert 1 <= done.damaged <= 20
    file._session.connection.close()


def test_on_a_full_disk(tmp_path: Path, now: Now) -> None:
    """It makes room where there is none."""
    with small_disk(tmp_path / "disk", 4) as disk:
        file = MessageFile(disk.path / "drops.sqlite", Retention(), now=now)
        for number in range(900):
            append(file, [(made_up(number), bytes(2149))], FLOOD)
        disk.fill()
        assert purge(file, 0).messages == 900
        assert file.usage().messages == 0
        disk.free()
        file.close()


@settings(max_examples=30, deadline=None)
@given(
    posts=st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40),
    asked=st.sets(st.integers(0, 9)),
)
def test_exactly_those(
    tmp_path_factory: pytest.TempPathFactory, posts: list[tuple[int, bool]], asked: set[int]
) -> None:
    """Whatever was posted and asked, exactly the newer messages of other drops go."""
    now = Now()
    path = tmp_path_factory.mktemp("purge") / "drops.sqlite"
    file = MessageFile(path, Retention(), now=now)
    append(file, [(made_up(drop), b"old") for drop, is_old in posts if is_old])
    file.note_asked(map(made_up, asked))
    now.seconds += 100
    append(file, [(made_up(drop), b"new") for drop, is_old in posts if not is_old])
    purge(file, now.seconds)
    for drop in range(10):
        old = [b"old" for each, is_old in posts if is_old and each == drop]
        new = [b"new" for each, is_old in posts if not is_old and each == drop]
        assert bodies(file, made_up(drop)) == old + new * (drop in asked)
    file.close()
