"""Looks at what is due: now and then, when all entries have been dealt with."""

from collections.abc import Callable
from typing import Any

from attrs import evolve

from qabel.modules.api import Prepared, Read
from qabel.modules.runner import ModuleRunner
from qabel.modules.ticks import INTERVAL
from tests.modules.conftest import NOTES, NOW, Desk

Running = Callable[..., ModuleRunner]


def ticking(times: list[int], text: str = "tick") -> Any:
    """Return a module that notes when it looks, tells of it, and sends a message."""

    def tick(now: int, read: Read) -> Prepared:
        times.append(now)
        if text == "raise":
            raise ValueError("a secret")
        made = Prepared()
        made.tell("looked", {})
        made.send(identity=b"1" * 32, recipient=b"1" * 32, kind="note", data={"msg": text})
        return made

    return evolve(NOTES, tick=tick)


def test_once_a_minute(desk: Desk, running: Running) -> None:
    """It looks at the start, and then about once a minute, whatever comes in between."""
    times: list[int] = []
    running(ticking(times))
    assert times == [int(NOW * 1000)]
    desk.receive("one")
    desk.clock.advance(INTERVAL / 2)
    desk.receive("two")
    desk.now += INTERVAL
    desk.clock.advance(INTERVAL / 2)
    assert times == [int(NOW * 1000), int((NOW + INTERVAL) * 1000)]
    assert desk.notes() == ["one", "two"]
    assert desk.events().count("notes.looked") == 2
    assert desk.rows("SELECT CAST(message AS TEXT) FROM sends") == [("tick",)] * 2


def test_not_before_it_is_up_to_date(desk: Desk, running: Running) -> None:
    """While it deals with old entries it does not look."""
    times: list[int] = []
    desk.receive(*map(str, range(40)))
    running(ticking(times))
    assert times == []
    desk.clock.pump([1] * 5)
    assert len(times) == 1


def test_a_failure_ends_one_look(desk: Desk, running: Running) -> None:
    """A module that raises, or sends what cannot be sent, goes on all the same."""
    for text in ("raise", "too long"):
        times: list[int] = []
        runner = desk.runner(ticking(times, text))
        runner.start()
        desk.clock.advance(INTERVAL)
        assert (len(times), runner.failure) == (2, None)
        runner.stop()
    assert desk.events() == []
