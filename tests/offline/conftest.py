"""Data directories that no daemon uses."""

from pathlib import Path

import pytest

from qabel.keys.key_file import KeyFile
from qabel.store.file_names import DATABASE, KEY
from qabel.store.key_record import KeyRecord
from tests.store.database import filled


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a data directory with a database whose key is in a file, a main token and a lock."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    filled.fill(made / DATABASE)
    KeyFile(made / KEY).write(KeyRecord(filled.KEY))
    for name in ("api-token", "lock"):
        (made / name).write_text("secret\n")
        (made / name).chmod(0o600)
    return made


def contents(directory: Path) -> dict[str, bytes]:
    """Return the content of all files."""
    return {
        str(each.relative_to(directory)): each.read_bytes()
        for each in directory.rglob("*")
        if each.is_file()
    }


def silent(_: str) -> None:
    """Show no progress."""
