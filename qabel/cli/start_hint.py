"""How to start a daemon, as a hint: a command line that works where it is shown."""

import os
import shlex
import sys
from pathlib import Path

from qabel.cli.own_command import runnable
from qabel.cli.paths import DATA_DIR, data_directory

DAEMON = "qabel-rest"


def start_command(directory: Path) -> str:
    """Return the command line that starts a daemon.

    Args:
        directory: the data directory; it is left out if it is the default one.

    """
    beside = Path(sys.argv[0]).absolute().with_name(DAEMON)
    words = [runnable(DAEMON, str(beside))]
    if DATA_DIR in os.environ or directory != data_directory(None):
        words += ["--data-dir", str(directory)]
    return shlex.join(words)
