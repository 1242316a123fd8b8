"""Where things are: the daemon's data directory, and what this command remembers."""

import os
from pathlib import Path

import platformdirs

DATA_DIR = "QABEL_DATA_DIR"
SOCKET = "rest.sock"
TOKEN = "api-token"  # noqa: S105 - the name of a file
KEY = "database-key"
DATABASE = "qabel.db"


def data_directory(given: str | None) -> Path:
    """Give the daemon's data directory: as given, or from the environment, or the platform's.

    It is what ``qabel.host.data_directory`` says too, without importing Twisted, which takes
    its time.
    """
    chosen = given or os.environ.get(DATA_DIR)
    return (
        Path(chosen or platformdirs.user_data_dir("qabel", appauthor=False)).expanduser().absolute()
    )


def state_directory() -> Path:
    """Give the directory for what this command remembers from one time to the next."""
    return Path(platformdirs.user_state_dir("qabel", appauthor=False))
