"""Where files are: in the daemon's data directory, and what this command remembers."""

import os
from pathlib import Path

import platformdirs

DATA_DIR = "QABEL_DATA_DIR"
SOCKET = "rest.sock"
TOKEN = "api-token"  # noqa: S105 - the name of a file
KEY = "database-key"
SEALED_KEY = "database-key.sealed"
DATABASE = "qabel.db"


def data_directory(option: str | None) -> Path:
    """Return the daemon's data directory: from the option, the environment, or per user.

    ``qabel.host.daemon_options`` does the same; it is not used because importing Twisted is slow.
    """
    chosen = option or os.environ.get(DATA_DIR)
    return (
        Path(chosen or platformdirs.user_data_dir("qabel", appauthor=False)).expanduser().absolute()
    )


def state_directory() -> Path:
    """Return the directory for what this command remembers from one call to the next."""
    return Path(platformdirs.user_state_dir("qabel", appauthor=False))
