"""``qabel compact``."""

from pathlib import Path

from qabel.cli.errors import ExitStatus
from qabel.keys.key_file import KeyFile
from qabel.store.database.connection import connect
from qabel.store.file_names import DATABASE, KEY
from qabel.store.key_record import KeyRecord
from tests.cli.conftest import QabelCommand, call, one_line
from tests.store.database import filled


def test_sizes(tmp_path: Path) -> None:
    """The sizes before and after are shown."""
    path = tmp_path / DATABASE
    filled.fill(path)
    KeyFile(tmp_path / KEY).write(KeyRecord(filled.KEY))
    connection = connect(path, filled.KEY)
    connection.execute("DELETE FROM messages")
    connection.close()
    tmp_path.chmod(0o700)
    before = path.stat().st_size
    [value] = call("compact", "--data-dir", str(tmp_path), "--json").values
    assert value == {"before": before, "after": path.stat().st_size}
    assert value["after"] < before / 2
    assert "before" in call("compact", "--data-dir", str(tmp_path)).out


def test_a_running_daemon(alice: QabelCommand) -> None:
    """While a daemon runs, it is refused in one line."""
    result = alice("compact")
    assert result.exit_status == ExitStatus.FAILURE
    assert "in use" in one_line(result)
