"""How to start a daemon, as a hint: a command line that works where it is shown."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from qabel.cli.paths import DATA_DIR, data_directory

DAEMON = "qabel-rest"


def start_command(directory: Path) -> str:
    """Return the command line that starts a daemon.

    Args:
        directory: the data directory; it is left out if it is the default one.

    """
    words = [_program()]
    if DATA_DIR in os.environ or directory != data_directory(None):
        words += ["--data-dir", str(directory)]
    return shlex.join(words)


def _program() -> str:
    """Return the daemon's command; with its path if the shell would not find it."""
    beside = Path(sys.argv[0]).absolute().with_name(DAEMON)
    if shutil.which(DAEMON) is None and os.access(beside, os.X_OK):
        return str(beside)
    return DAEMON
