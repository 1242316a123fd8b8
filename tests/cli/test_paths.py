"""Where the command looks for files."""

import pytest

from qabel.cli.paths import data_directory
from qabel.host.data_directory import choose_data_directory as daemon_directory


def test_same_directory_as_the_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command and the daemon look for the data directory in the same places."""

    def agree(given: str | None) -> None:
        of_daemon = daemon_directory(given, variable="QABEL_DATA_DIR", name="qabel")
        assert data_directory(given) == of_daemon

    agree(None)
    agree("~/elsewhere")
    monkeypatch.setenv("QABEL_DATA_DIR", "relative/place")
    agree(None)
    agree("/given")
