"""Finding modules."""

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen

from qabel.modules.loading import ModuleChoice, ModuleChoiceError, find_modules
from tests.modules.conftest import NOTES


@frozen
class Entry:
    """An entry point."""

    name: str
    load: Callable[[], Any]


def broken() -> Any:
    """Fail as an import does."""
    raise ImportError("No module named 'missing'")


INSTALLED = [
    Entry("notes", lambda: NOTES),
    Entry("broken", broken),
    Entry("odd", dict),
    Entry("renamed", lambda: NOTES),
    Entry("rival", lambda: evolve(NOTES, name="rival")),
]


def found(*added: str, removed: str = "", usual: tuple[str, ...] = ()) -> dict[str, str | None]:
    """Return the failures of the modules that are to run, by name."""
    choice = ModuleChoice(added, removed.split())
    return {each.name: each.failure for each in find_modules(choice, lambda: INSTALLED, usual)}


def test_which_modules_run() -> None:
    """The usual ones that are installed, those that were added, none that was removed."""
    assert found() == {}
    assert found(usual=("notes", "chat")) == {"notes": None}
    assert found("notes") == {"notes": None}
    assert found("notes", removed="notes") == {}


def test_modules_that_cannot_run() -> None:
    """What is wrong with a module keeps nothing else from running."""
    failures = found("notes", "broken", "odd", "renamed")
    assert failures == {
        "notes": None,
        "broken": "It cannot be imported: ImportError(\"No module named 'missing'\").",
        "odd": "Its entry point names no Module.",
        "renamed": "It calls itself notes.",
    }


def test_a_choice_that_makes_no_sense() -> None:
    """Unknown names, and two owners of one kind, are errors that name what is wrong."""
    with pytest.raises(
        ModuleChoiceError, match=r"no module 'caht'\. Installed: broken, notes, odd"
    ):
        found("caht")
    with pytest.raises(ModuleChoiceError, match="no module 'x'"):
        found(removed="x")
    with pytest.raises(ModuleChoiceError, match=r"notes and rival both own .* 'note'"):
        found("notes", "rival")


def test_what_is_installed_here() -> None:
    """Without a choice nothing unexpected runs."""
    assert [each.failure for each in find_modules(ModuleChoice()) if each.failure] == []
