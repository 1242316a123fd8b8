"""Who goes first: what the system was asked for, by threads and processes."""

import os
import subprocess
import sys
import threading

import pytest

from qabel.priority import GivingWay, give_way_for_a_moment, hand_on_quickly

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="others tell no threads apart")


def test_hand_on_quickly() -> None:
    """Threads give up Python's lock within less than a millisecond."""
    before = sys.getswitchinterval()
    try:
        hand_on_quickly()
        assert sys.getswitchinterval() <= 0.001
    finally:
        sys.setswitchinterval(before)


def niceness() -> int:
    """Give how far behind others the calling thread stands."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@on_linux
def test_a_thread_gives_way() -> None:
    """It stands behind the one that made it, which stays where it was."""
    before, found = niceness(), []
    thread = GivingWay(target=lambda: found.append(niceness()))
    thread.start()
    thread.join()
    assert found[0] > before == niceness()


@on_linux
def test_a_thread_of_a_process_that_gives_way_itself() -> None:
    """It stands behind its process, wherever that stands: else it would go first of all."""
    code = (
        "import os, threading; from qabel.priority import GivingWay; os.nice(10); found = []; "
        "mine = lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()); "
        "thread = GivingWay(target=lambda: found.append(mine())); thread.start(); thread.join(); "
        "assert found[0] > mine() >= 10, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@on_linux
def test_a_thread_that_may_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does what it is for nonetheless."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse)
    done: list[bool] = []
    thread = GivingWay(target=lambda: done.append(True))
    thread.start()
    thread.join()
    assert done == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such call")
def test_giving_way_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system is asked who else could go on."""
    asked: list[bool] = []
    monkeypatch.setattr(os, "sched_yield", lambda: asked.append(True))
    give_way_for_a_moment()
    assert asked == [True]
