"""Finding modules: those that are installed, and which of them are to run."""

from collections.abc import Callable, Collection, Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

from attrs import frozen

from qabel.modules.api import Module

GROUP = "qabel.modules"
"""The group of entry points. The name of an entry point is that of its module."""

USUAL = frozenset({"chat"})
"""The modules that run unless they are switched off."""


class InstalledModule(Protocol):
    """An entry point: ``importlib.metadata.EntryPoint``."""

    name: str

    def load(self) -> Any:
        """Import and return what it names."""


class ModuleChoiceError(Exception):
    """Modules were chosen that do not exist, or cannot run together."""


@frozen
class ModuleChoice:
    """Which modules run: the usual ones, and changes of that."""

    added: Collection[str] = ()
    removed: Collection[str] = ()


@frozen
class FoundModule:
    """An installed module that is to run."""

    name: str
    module: Module | None
    failure: str | None = None
    """Why it cannot run."""


def installed() -> Sequence[InstalledModule]:
    """Return the entry points of the modules that are installed."""
    found: Sequence[EntryPoint] = tuple(entry_points(group=GROUP))
    return found


def find_modules(
    choice: ModuleChoice,
    find: Callable[[], Iterable[InstalledModule]] = installed,
    usual: Collection[str] = USUAL,
) -> list[FoundModule]:
    """Return the modules that are to run, by name; of those that cannot, why.

    Args:
        choice: which were chosen.
        find: returns the entry points of those that are installed.
        usual: the names of those that run unless they are switched off.

    Raises:
        ModuleChoiceError: a module that was chosen is not installed, or two own the same kind.

    """
    by_name = {each.name: each for each in find()}
    for name in sorted({*choice.added, *choice.removed}):
        if name not in by_name:
            known = ", ".join(sorted(by_name)) or "none"
            raise ModuleChoiceError(f"There is no module {name!r}. Installed: {known}.")
    wanted = {each for each in usual if each in by_name} | {*choice.added}
    wanted -= {*choice.removed}
    found = [_load(by_name[name]) for name in sorted(wanted)]
    _check_kinds([each.module for each in found if each.module is not None])
    return found


def _load(entry: InstalledModule) -> FoundModule:
    try:
        module = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the daemon is to run
        return FoundModule(entry.name, None, f"It cannot be imported: {error!r}.")
    if not isinstance(module, Module):
        return FoundModule(entry.name, None, "Its entry point names no Module.")
    if module.name != entry.name:
        return FoundModule(entry.name, None, f"It calls itself {module.name}.")
    return FoundModule(entry.name, module)


def _check_kinds(modules: Sequence[Module]) -> None:
    owners: dict[str, str] = {}
    for module in modules:
        for kind in sorted(module.kinds):
            if kind in owners:
                raise ModuleChoiceError(
                    f"The modules {owners[kind]} and {module.name} both own messages of the kind "
                    f"{kind!r}. Switch one off with --no-module."
                )
            owners[kind] = module.name
