"""What goes from a file when there is no room: in drops, on the server, after a restart."""

from pathlib import Path
from unittest.mock import ANY

from qabel.dropserver.admission import Full
from qabel.dropserver.message_file import MessageFile
from qabel.dropserver.message_values import DAY, MESSAGE_SIZE, Post, Retention, charge
from tests.dropserver import test_message_file
from tests.dropserver.test_message_file import ALICE, BOB, FLOOD, A, B, Now, append, bodies

file, now, path = test_message_file.file, test_message_file.now, test_message_file.path


def test_a_full_drop(file: MessageFile) -> None:
    """Of a full drop, the newest message of the heaviest source goes; other drops keep theirs."""
    append(file, [(A, b"first")], ALICE)
    append(file, [(B, b"other")], FLOOD)
    append(file, [(A, b"%d" % number) for number in range(4)], FLOOD)
    assert file.append([Post(A, b"more", FLOOD)]) == [Full.DROP]
    append(file, [(A, b"second")], ALICE)
    assert file.append([Post(A, b"more", FLOOD)]) == [Full.DROP]
    assert bodies(file, A) == [b"first", b"0", b"1", b"2", b"second"]
    assert bodies(file, B) == [b"other"]
    append(file, [(A, b"third")], BOB)
    assert bodies(file, A) == [b"first", b"0", b"1", b"second", b"third"]


def test_a_full_server(path: Path, now: Now) -> None:
    """When there is no more room, the newest message of the heaviest source goes."""
    file = MessageFile(path, Retention(quota=5 * charge(100)), now=now)
    append(file, [(A, b"a")], ALICE)
    append(file, [(f"{number:043d}", b"x") for number in range(4)], FLOOD)
    assert file.append([Post(B, b"x", FLOOD), Post(B, b"b", BOB)]) == [Full.SERVER, ANY]
    assert file.append([Post(B, b"x", FLOOD)]) == [Full.SERVER]
    assert [bodies(file, f"{number:043d}") for number in range(4)] == [[b"x"]] * 3 + [[]]
    assert (bodies(file, A), bodies(file, B)) == ([b"a"], [b"b"])
    now.seconds += 8 * DAY
    while file.expire():
        pass
    assert file.append([Post(A, b"again", FLOOD)] * 6) == [ANY] * 5 + [Full.SERVER]
    file.close()


def test_small_messages_are_charged_as_whole_ones(path: Path, now: Now) -> None:
    """A message of one byte takes the room of another one, also when they are counted anew."""
    file = MessageFile(path, Retention(quota=10 * charge(MESSAGE_SIZE)), now=now)
    append(file, [(A, b"x")] * 10, ALICE)
    assert file.append([Post(A, b"x", ALICE)]) == [Full.SERVER]
    file.close()
    file = MessageFile(path, Retention(quota=10 * charge(MESSAGE_SIZE)), now=now)
    assert file._rows.holdings.charged == 10 * charge(MESSAGE_SIZE)
    file.close()


def test_after_a_restart_what_is_older_keeps_half(path: Path, now: Now) -> None:
    """What is older than the process counts as one source, in drops and everywhere."""
    retention = Retention(quota=10 * charge(1), drop_quota=8)
    file = MessageFile(path, retention, now=now)
    append(file, [(A, b"%d" % number) for number in range(8)], ALICE)
    append(file, [(B, b"b")] * 2, BOB)
    file.close()
    file = MessageFile(path, retention, now=now)
    answers = [file.append([Post(A, b"new", ALICE)])[0] for _ in range(6)]
    assert [isinstance(each, int) for each in answers] == [True] * 4 + [False] * 2
    assert bodies(file, A) == [b"0", b"1", b"2", b"3"] + [b"new"] * 4
    assert answers[4] == Full.DROP
    answers = [file.append([Post("C" * 43, b"new", ALICE)])[0] for _ in range(3)]
    assert [isinstance(each, int) for each in answers] == [True, False, False]
    assert answers[2] == Full.SERVER
    assert len(bodies(file, A)) + len(bodies(file, B)) == 9
    file.close()


def test_a_lowered_drop_quota(path: Path, now: Now) -> None:
    """A drop that has too many loses its oldest as the next one arrives."""
    file = MessageFile(path, Retention(), now=now)
    append(file, [(A, b"%d" % number) for number in range(20)])
    file.close()
    file = MessageFile(path, Retention(drop_quota=5), now=now)
    append(file, [(A, b"new")], ALICE)
    assert bodies(file, A) == [b"15", b"16", b"17", b"18", b"new"]
    file.close()
