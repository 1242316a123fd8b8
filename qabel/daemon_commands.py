"""The commands ``qabel-rest`` and ``qabel-drop``: the two daemons, in the foreground.

The same daemons run under ``twistd``, from the same options; see ``twisted/plugins``.
"""

import sys
from typing import NoReturn

from qabel.host.interrupts import end_quietly_on_interrupt
from qabel.host.standard_streams import open_missing_streams


def rest() -> NoReturn:
    """Run ``qabel-rest``, and end the process with its exit status."""
    _prepare()
    from qabel.host.foreground import run_in_foreground  # noqa: PLC0415 - see _prepare
    from qabel.tap import Options, makeService  # noqa: PLC0415

    sys.exit(run_in_foreground(Options(), makeService, sys.argv[1:]))


def drop() -> NoReturn:
    """Run ``qabel-drop``, and end the process with its exit status."""
    _prepare()
    from qabel.dropserver.tap import Options, makeService  # noqa: PLC0415 - see _prepare
    from qabel.host.foreground import run_in_foreground  # noqa: PLC0415

    sys.exit(run_in_foreground(Options(), makeService, sys.argv[1:]))


def _prepare() -> None:
    """Prepare the process for what takes long to import: an interrupt meanwhile ends it quietly."""
    end_quietly_on_interrupt()
    open_missing_streams()
