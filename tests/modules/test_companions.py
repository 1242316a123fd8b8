"""Companions: what of a module runs on the reactor."""

from collections.abc import Sequence
from typing import Any

from attrs import define, evolve, field

from qabel.modules.api import Module
from qabel.modules.companions import CompanionKeeper
from qabel.modules.reactor_time import ReactorTime
from tests.modules.conftest import NOTES


@define
class Noting:
    """Notes what is done with it."""

    fails: str = ""
    done: list[object] = field(factory=list)

    def start(self) -> None:
        """Begin."""
        self._note("start")

    def stop(self) -> None:
        """End."""
        self._note("stop")

    def take(self, passed_on: Sequence[Any]) -> None:
        """Take something."""
        self._note(*passed_on)

    def _note(self, *what: object) -> None:
        self.done += what
        if self.fails in what:
            raise ValueError("a secret")


def keeper(module: Module) -> CompanionKeeper:
    """Return the keeper of a module's companion."""
    return CompanionKeeper(module, None, ReactorTime(), None)  # type: ignore[arg-type]


def test_it_lives_as_long_as_the_module() -> None:
    """It is started, takes what is passed on, and is stopped."""
    companion = Noting()
    kept = keeper(evolve(NOTES, companion=lambda tools, reactor: companion))
    kept.take(["early"])
    kept.start()
    kept.start()
    kept.take([])
    kept.take([1, 2])
    kept.stop()
    kept.stop()
    kept.take(["late"])
    assert companion.done == ["start", 1, 2, "stop"]


def test_what_it_raises_changes_nothing() -> None:
    """It goes on after a failure; one that does not start gets nothing."""
    companion = Noting("bad")
    kept = keeper(evolve(NOTES, companion=lambda tools, reactor: companion))
    kept.start()
    kept.take(["bad"])
    kept.take(["good"])
    assert companion.done == ["start", "bad", "good"]
    broken = Noting("start")
    kept = keeper(evolve(NOTES, companion=lambda tools, reactor: broken))
    kept.start()
    kept.take(["good"])
    assert broken.done == ["start"]


def test_most_modules_have_none() -> None:
    """What they pass on is lost."""
    kept = keeper(NOTES)
    kept.start()
    kept.take([1])
    kept.stop()
