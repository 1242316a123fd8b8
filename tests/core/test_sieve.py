"""The sieve: other processes tell what may be ours, and nothing depends on them."""

import os
import sys
import threading

import pytest

from qabel.core.sieve import FOREIGN, OURS, Sieve
from qabel.crypto import HEADER_SIZE, PrivateKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import header_of, seal_message

ALICE, BOB = PrivateKey.generate(), PrivateKey.generate()
TEXT = encode(DropMessage(1, ALICE.public_key, "chat", b"{}"))


def foreign() -> bytes:
    """Make the header of somebody else's message."""
    return os.urandom(HEADER_SIZE)


def to(recipient: PrivateKey) -> bytes:
    """Make the header of a message for one of us."""
    return header_of(seal_message(ALICE, recipient.public_key, TEXT))


@pytest.fixture
def sieve():
    """Give a sieve of two processes at most, and end it."""
    made = Sieve(2)
    yield made
    made.end()
    assert not made._idle


def test_tells_ours_from_foreign(sieve) -> None:
    """What is for one of the keys is marked, and nothing else, again and again."""
    headers = [foreign(), to(BOB), b"\1" * HEADER_SIZE, to(ALICE), bytes(HEADER_SIZE)]
    marks = b"".join((FOREIGN, OURS, FOREIGN, OURS, FOREIGN))
    for _ in range(3):
        assert sieve.pick([ALICE, BOB], headers) == marks
    assert sieve.pick([PrivateKey.generate()], headers) == FOREIGN * 5


def test_many_threads(sieve) -> None:
    """Threads that ask at the same time share two processes, and each gets its own answer."""
    answers: dict[int, bytes | None] = {}

    def ask(number: int) -> None:
        headers = [to(BOB) if place == number else foreign() for place in range(10)]
        answers[number] = sieve.pick([BOB], headers)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert answers[number] == FOREIGN * number + OURS + FOREIGN * (9 - number)
    assert len(sieve._idle) <= 2


def test_killed_process(sieve) -> None:
    """When a process was killed, whoever asks has to look, and then there is another one."""
    sieve.pick([BOB], [foreign()])
    sieve._idle[0].process.kill()
    assert sieve.pick([BOB], [to(BOB)]) is None
    assert sieve.pick([BOB], [to(BOB)]) == OURS


def test_no_interpreter(monkeypatch) -> None:
    """Where no process can be started, everybody looks himself."""
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    assert Sieve().pick([BOB], [foreign()]) is None


def test_keys_show_nowhere(sieve) -> None:
    """The keys are neither in the command line nor in the environment of the process."""
    sieve.pick([BOB], [foreign()])
    pid = sieve._idle[0].process.pid
    for name in ("cmdline", "environ"):
        with open(f"/proc/{pid}/{name}", "rb") as file:
            shown = file.read()
        assert BOB.hex.encode() not in shown
        assert BOB.raw not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other schedulers")
def test_gives_way(sieve) -> None:
    """A process runs when nothing else of the session has to, and is not in a session of its own.

    In its own, the system would give it as much of the processors as the whole daemon.
    """
    sieve.pick([BOB], [foreign()])
    pid = sieve._idle[0].process.pid
    assert os.sched_getscheduler(pid) == os.SCHED_IDLE
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getsid(pid) == os.getsid(0)
    assert os.getpgid(pid) == pid
