"""Notices on the desktop."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.task import Clock

from qabel.modules.notify.desktop import MOMENT, PAUSE, Desktop, make_desktop
from qabel.modules.notify.prepare import Notice
from qabel.modules.notify.settings import NotifySettings
from qabel.modules.notify.words import Words


@define(eq=False)
class Screen:
    """A desktop in memory."""

    settings: NotifySettings = field(factory=NotifySettings)
    clock: Clock = field(factory=Clock)
    open: dict[int, Words] = field(factory=dict)
    done: list[str] = field(factory=list)
    on_closed: Callable[[int], None] = field(default=lambda _: None)
    desktop: Desktop = field(init=False)

    def __attrs_post_init__(self) -> None:
        tools: Any = SimpleNamespace(settings=SimpleNamespace(local=self.settings))
        self.desktop = Desktop(tools, self.clock, self.made)
        self.desktop.start()

    def made(self, on_closed: Callable[[int], None]) -> "Screen":
        """Return the server of notices: this."""
        self.on_closed = on_closed
        return self

    async def show(self, words: Words, replaces: int = 0) -> int:
        """Show a notice."""
        number = replaces or len(self.done) + 1
        self.done.append(f"show {words.title}: {words.body}")
        self.open[number] = words
        return number

    async def close(self, number: int) -> None:
        """Take one away."""
        self.done.append(f"close {self.open.pop(number).title}")

    def leave(self) -> None:
        """Note the end."""
        self.done.append("left")

    def take(self, *notices: Notice, seconds: float = PAUSE) -> None:
        """Pass notices on, and let time pass."""
        self.desktop.take(notices)
        self.clock.advance(seconds)


def new(number: int, count: int = 1) -> Notice:
    """Return what there is to say of a new message."""
    return Notice(f"{number:02x}", count, is_new=True, name=f"N{number}")


def seen(number: int) -> Notice:
    """Return what there is to say of a conversation that was read."""
    return Notice(f"{number:02x}", 0, is_new=False)


def test_one_after_another() -> None:
    """A notice is shown after a moment, replaced by a later one, and closed when it is read."""
    screen = Screen()
    screen.take(new(1), seconds=MOMENT / 2)
    assert screen.done == []
    screen.take(new(1, 2))
    screen.take(new(1, 3))
    screen.take(Notice("01", 1, is_new=False))
    screen.take(seen(1))
    assert screen.done == ["show N1: 2 new messages", "show N1: 3 new messages", "close N1"]


def test_what_is_read_at_once_is_not_shown() -> None:
    """Neither is what is read elsewhere before its turn."""
    screen = Screen()
    screen.take(new(1), seen(1))
    screen.take(new(2), seconds=0)
    screen.take(seen(2))
    assert screen.done == []


def test_many_are_one() -> None:
    """Many conversations have one notice together, which goes when all of them are read."""
    screen = Screen()
    screen.take(new(1))
    screen.take(*(new(number) for number in range(2, 20)))
    assert len(screen.open) == 2
    assert screen.done[-1] == "show 18 new messages: In 18 conversations"
    screen.take(new(1, 5))
    assert len(screen.open) == 1
    assert screen.done[-1] == "show 23 new messages: In 19 conversations"
    screen.take(*(seen(number) for number in range(1, 20)))
    assert screen.open == {}


def test_no_flood() -> None:
    """However many messages come, what is shown changes once in a while."""
    screen = Screen()
    for count in range(100):
        screen.take(new(1, count + 1), seconds=0.1)
    assert 4 <= len(screen.done) <= 7
    assert len(screen.open) == 1


def test_what_the_user_closes() -> None:
    """It is not replaced: the next message has a notice of its own."""
    screen = Screen()
    screen.take(new(1))
    screen.on_closed(1)
    screen.on_closed(99)
    screen.take(new(1, 2))
    assert len(screen.open) == 2
    screen.take(*(new(number) for number in range(2, 9)))
    [together] = [number for number in screen.open if number > 2]
    screen.on_closed(together)
    screen.take(new(2, 2))
    assert screen.done[-1] == "show N2: 2 new messages"


def test_it_is_switched_off() -> None:
    """Then nothing is shown; without a session nothing is done at all."""
    screen = Screen(evolve(NotifySettings(), desktop=False))
    screen.take(new(1))
    assert screen.done == []
    tools: Any = SimpleNamespace(settings=SimpleNamespace(local=NotifySettings()))
    alone = make_desktop(tools, screen.clock, {})
    alone.start()
    alone.take([new(1)])
    alone.stop()
    assert screen.clock.getDelayedCalls() == []


@pytest.mark.parametrize("seconds", [0, PAUSE])
def test_the_end(seconds: float) -> None:
    """After it was stopped nothing is shown."""
    screen = Screen()
    screen.take(new(1), seconds=seconds)
    screen.desktop.stop()
    screen.desktop.take([new(1)])
    assert screen.done[-1] == "left"
    assert screen.clock.getDelayedCalls() == []
