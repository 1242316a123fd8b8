"""The companions of modules: what of them runs on the reactor."""

from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from qabel.modules.api import Companion, Module
from qabel.modules.reactor_time import ReactorTime
from qabel.modules.reading import describe
from qabel.modules.tools import ModuleTools


@define(eq=False)
class CompanionKeeper:
    """Keeps the companion of one module; what it raises is logged, and changes nothing else.

    Args:
        module: the module.
        tools: its tools.
        time: measures the companion.
        reactor: what it runs on.

    """

    _module: Module
    _tools: ModuleTools
    _time: ReactorTime
    _reactor: Any
    _companion: Companion | None = field(default=None, init=False)

    _log = Logger()

    def start(self) -> None:
        """Make and start it, if the module has one."""
        make = self._module.companion
        if make is None or self._companion is not None:
            return

        def begin() -> None:
            made = make(self._tools, self._reactor)
            made.start()
            self._companion = made

        self._call(begin)

    def stop(self) -> None:
        """Stop it."""
        companion, self._companion = self._companion, None
        if companion is not None:
            self._call(companion.stop)

    def take(self, passed_on: Sequence[object]) -> None:
        """Have it take what was passed on."""
        companion = self._companion
        if companion is not None and passed_on:
            self._call(lambda: companion.take(passed_on))

    def _call(self, work: Callable[[], None]) -> None:
        try:
            self._time.call(work)
        except Exception as error:  # noqa: BLE001 - whatever it raises, the daemon goes on
            self._log.warn(
                "The module {name} failed on the reactor: {reason}",
                name=self._module.name,
                reason=describe(error),
            )
