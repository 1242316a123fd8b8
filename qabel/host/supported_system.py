"""Whether a daemon can run on this system. Nothing here knows Qabel.

Nothing here imports what other systems lack.
"""

import importlib.util
import sys

NEEDED = ("fcntl", "resource")
"""Modules of Python that are there on POSIX systems only."""


def require_posix(name: str) -> None:
    """End the process with one line on standard error, unless it runs on a POSIX system.

    Args:
        name: of the program.

    """
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            sys.exit(
                f"{name}: this system is not supported, as it has no POSIX file locks and"
                " permissions; on Windows, install qabel in WSL"
            )
