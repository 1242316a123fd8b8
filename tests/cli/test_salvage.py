"""``qabel salvage``."""

from pathlib import Path

import pytest

from qabel.cli.errors import ExitStatus
from qabel.keys.key_file import KeyFile
from qabel.store.file_names import DATABASE, KEY
from qabel.store.key_record import KeyRecord
from tests.cli.conftest import QabelCommand, call, one_line
from tests.store.database import filled


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a data directory."""
    made = tmp_path / "old"
    made.mkdir(mode=0o700)
    filled.fill(made / DATABASE)
    KeyFile(made / KEY).write(KeyRecord(filled.KEY))
    return made


def test_everything_is_there(directory: Path, tmp_path: Path) -> None:
    """Of a database that is whole nothing is missing, and the exit status is 0."""
    result = call("salvage", "--data-dir", str(directory), "--to", str(tmp_path / "new"))
    assert (result.exit_status, "Nothing is missing" in result.err) == (ExitStatus.OK, True)


def test_what_is_lost_is_listed(directory: Path, tmp_path: Path) -> None:
    """The exit status is 1, and what could not be read is listed; identities stand out."""
    path = directory / DATABASE
    pages = filled.pages_of(path)
    for number in [n for n, page in pages.items() if b"yyy" in page or page[0] == 0]:
        if number > 1:
            filled.damage_page(path, number)
    result = call("salvage", "--data-dir", str(directory), "--to", str(tmp_path / "new"))
    assert result.exit_status == ExitStatus.FAILURE
    assert "  messages: id 19\n" in result.out
    assert "private keys are lost" in result.err
    words = ("--json", "salvage", "--data-dir", str(directory), "--to", str(tmp_path / "more"))
    as_json = call(*words)
    assert as_json.exit_status == ExitStatus.FAILURE
    [value] = as_json.values
    assert {"table": "messages", "rows": "id 19"} in value["lost"]
    assert value["copied"]["events"] == filled.MESSAGES


def test_a_running_daemon(alice: QabelCommand, tmp_path: Path) -> None:
    """While a daemon runs, it is refused in one line."""
    result = alice("salvage", "--to", str(tmp_path / "new"))
    assert result.exit_status == ExitStatus.FAILURE
    assert "stop the daemon" in one_line(result)
    assert not (tmp_path / "new").exists()
