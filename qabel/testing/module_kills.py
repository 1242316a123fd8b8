"""What a module runs with in tests: it can be killed at any step."""

from collections.abc import Callable
from typing import Any, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, fail

from qabel.modules.module_thread import ModuleThread
from qabel.store.modules.progress import ModuleRepository

T = TypeVar("T")


@define(eq=False)
class Kills:
    """Counts the steps of a module, and kills it at one of them.

    Args:
        at: the number of the step, from 1; 0 for none.

    """

    at: int = 0
    steps: int = field(default=0, init=False)
    """How many steps there were."""
    _is_dead: bool = field(default=False, init=False)

    def step(self) -> bool:
        """Note a step; return whether the module is killed there."""
        self.steps += 1
        self._is_dead = self._is_dead or self.steps == self.at
        return self._is_dead

    def has_killed(self) -> bool:
        """Return whether it was killed since the last time, so that it is to be started again."""
        was_dead, self._is_dead = self._is_dead, False
        return was_dead


@define(eq=False)
class DyingThread(ModuleThread):
    """A thread of modules, on which the module may be killed before its work and after it."""

    _kills: Kills = field(kw_only=True)

    def run(self, work: Callable[[], T], patience: float | None = None) -> "Deferred[T]":
        """Call a function, unless the module is killed."""
        if self._kills.step():
            return fail(CancelledError())
        done = ModuleThread.run(self, work, patience)
        return done.addCallback(self._after)

    def _after(self, result: T) -> T:
        if self._kills.step():
            raise CancelledError
        return result


@frozen(eq=False)
class DyingRepository(ModuleRepository):
    """The repository of modules; the module may be killed before it stores something, and after."""

    _kills: Kills

    def open(self, *given: Any, **named: Any) -> "Deferred[Any]":
        """Make the tables of the module."""
        return self._around(lambda: ModuleRepository.open(self, *given, **named))

    def write(self, *given: Any, **named: Any) -> "Deferred[Any]":
        """Store what the module made."""
        return self._around(lambda: ModuleRepository.write(self, *given, **named))

    def set_aside(self, *given: Any, **named: Any) -> "Deferred[Any]":
        """Set an entry aside."""
        return self._around(lambda: ModuleRepository.set_aside(self, *given, **named))

    def take_up(self, *given: Any, **named: Any) -> "Deferred[Any]":
        """Take up an entry that was set aside."""
        return self._around(lambda: ModuleRepository.take_up(self, *given, **named))

    def rebuild(self, *given: Any, **named: Any) -> "Deferred[Any]":
        """Empty the derived tables."""
        return self._around(lambda: ModuleRepository.rebuild(self, *given, **named))

    def _around(self, work: "Callable[[], Deferred[Any]]") -> "Deferred[Any]":
        if self._kills.step():
            return fail(CancelledError())

        def after(result: Any) -> Any:
            if self._kills.step():
                raise CancelledError
            return result

        return work().addCallback(after)
