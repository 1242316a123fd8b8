"""Kill a module at each step: each entry must count once all the same."""

from collections.abc import Callable
from pathlib import Path

from qabel.testing.module_desk import ModuleDesk
from qabel.testing.module_kills import Kills


def check_kills(
    folder: Path,
    make: Callable[[Path, Kills], ModuleDesk],
    happens: Callable[[ModuleDesk], object],
    look: Callable[[ModuleDesk], object],
) -> int:
    """Have the same happen again and again, with the module killed at another step each time.

    Args:
        folder: an empty directory for the databases.
        make: returns a desk with a database in a directory, and these kills.
        happens: does what is to happen at a desk.
        look: returns what must be the same in the end, such as the rows of the module's tables.

    Returns:
        At how many steps it was killed.

    Raises:
        AssertionError: something is not the same.

    """
    expected = None
    at = 0
    while True:
        kills = Kills(at)
        directory = folder / str(at)
        directory.mkdir()
        with make(directory, kills) as desk:
            happens(desk)
            desk.settle()
            found = look(desk)
        if at == 0:
            expected = found
        elif kills.steps < at:
            return at - 1
        if found != expected:
            raise AssertionError(f"killed at step {at}: {found!r} instead of {expected!r}")
        at += 1
