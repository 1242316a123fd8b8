"""What each module gets beside the journal, and what modules offer each other."""

from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from qabel.core.service import CoreService
from qabel.forms.form import Form
from qabel.modules.api import Module
from qabel.modules.known_people import KnownPeople
from qabel.modules.own_settings import OwnSettings
from qabel.modules.reading import describe
from qabel.modules.tools import ModuleTools
from qabel.settings.module_forms import ModuleForms


@define(eq=False)
class Equipment:
    """The tools of all modules.

    Args:
        core: the core.
        modules: the modules that could be loaded.
        runs: returns whether a module runs, and has its tables.

    """

    _core: CoreService
    _modules: Sequence[Module]
    _runs: Callable[[str], bool]
    _tools: dict[str, ModuleTools] = field(init=False)
    _services: dict[str, object] = field(factory=dict, init=False)
    _lock: Any = field(factory=RLock, init=False)
    """Modules ask on their thread, and on the reactor's."""

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._tools = {each.name: self._make(each) for each in self._modules}

    def of(self, name: str) -> ModuleTools:
        """Return the tools of a module."""
        return self._tools[name]

    def forms(self) -> ModuleForms:
        """Return the forms of what modules store in the settings."""
        every = self._modules
        return ModuleForms(
            local=_given({each.name: each.settings for each in every}),
            synced=_given({each.name: each.synced_settings for each in every}),
            contacts=_given({each.name: each.contact_settings for each in every}),
        )

    def _make(self, module: Module) -> ModuleTools:
        settings = OwnSettings(
            module.name,
            self._core,
            module.settings,
            module.synced_settings,
            module.contact_settings,
        )
        people = KnownPeople(self._core)
        return ModuleTools(module.name, settings, people, self._core.now, self._find)

    def _find(self, name: str) -> object | None:
        module = next((each for each in self._modules if each.name == name), None)
        if module is None or module.service is None or not self._runs(name):
            return None
        with self._lock:
            if name not in self._services:
                try:
                    self._services[name] = module.service(self._tools[name])
                except Exception as error:  # noqa: BLE001 - whatever it raises, the others go on
                    self._log.warn(
                        "The module {name} offers nothing to others: {reason}",
                        name=name,
                        reason=describe(error),
                    )
                    return None
            return self._services[name]


def _given(forms: Mapping[str, Form[Any] | None]) -> dict[str, Form[Any]]:
    return {name: form for name, form in forms.items() if form is not None}
