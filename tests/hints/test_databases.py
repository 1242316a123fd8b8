"""What is said about databases of drop servers works when it is done."""

import subprocess
from pathlib import Path

from tests.dropserver.postgresql.databases import cluster, database  # noqa: F401 - fixtures
from tests.dropserver.test_check_command import drop_command
from tests.hints import printed
from tests.hints.printed import shows
from tests.integration.test_dropserver import LISTEN, drop_server


def told(done: "subprocess.CompletedProcess[str]") -> str:
    """Note what a command printed, and return it."""
    printed.printed.append(done.stdout + done.stderr)
    return done.stdout + done.stderr


@shows(
    "dropserver/configure_command.py: qabel-drop configure",
    "dropserver/postgresql/configuration.py: X X is not what the database says (X)",
    "dropserver/postgresql/configuring.py: no drop server has used the database yet",
)
def test_servers_of_one_database(tmp_path: Path, database: str) -> None:  # noqa: F811
    """The first server says how much there may be; others are told how to change it."""
    url = f"--database={database}"
    assert "start one with --quota" in told(drop_command("configure", url, "--quota=50"))
    with drop_server(tmp_path / "one", LISTEN, url, "--quota=20") as first:
        first.wait_for("is ready")
        # Health is asked for the first time that the database was used.
        assert "20 MB" in told(_until_configured(url))
        with drop_server(tmp_path / "two", LISTEN, url, "--quota=50") as second:
            assert second.ended() == 1
        printed.printed.append(second.errors)
        assert "with qabel-drop configure --quota 50" in second.errors
        assert "50 MB" in told(drop_command("configure", url, "--quota", "50"))
        with drop_server(tmp_path / "two", LISTEN, url, "--quota=50") as second:
            second.wait_for("is ready")
            assert drop_command("check", url).returncode == 0
    assert "usage: qabel-drop configure" in told(drop_command("configure", "--help"))


def _until_configured(url: str) -> "subprocess.CompletedProcess[str]":
    while (done := drop_command("configure", url)).returncode:
        pass
    return done
