"""Restoring a backup with the commands that the documentation shows."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.client import Api
from tests.integration.processes import ROOT, Twistd

PAGE = ROOT / "docs" / "operating.rst"


def commands() -> str:
    """Return the commands that the page shows."""
    _, _, rest = PAGE.read_text().partition("To restore:")
    _, _, block = rest.partition(".. code-block:: shell\n\n")
    return block.partition("\n\n")[0]


def daemon(tmp_path: Path) -> Twistd:
    """Start a daemon with a drop server."""
    endpoint = "tcp:0:interface=127.0.0.1"
    return Twistd(
        tmp_path / "process",
        "qabel-rest",
        f"--data-dir={tmp_path / 'data'}",
        f"--listen={endpoint}",
        f"--drop-server={endpoint}",
    )


def test_a_backup_is_restored(tmp_path: Path) -> None:
    """After the commands, the database is as it was at the time of the backup."""
    api = Api(tmp_path / "data")
    with daemon(tmp_path) as running:
        running.wait_for(r"qabel-rest listens on .*rest\.sock")
        api.good("POST", "/identities", {"alias": "before"})
        environ = {
            **os.environ,
            "QABEL_DATA_DIR": str(tmp_path / "data"),
            "HOME": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        backup, restore = commands().split("\n")
        subprocess.run(["bash", "-ec", backup], env=environ, check=True)
        api.good("POST", "/identities", {"alias": "after"})
        running.stop()
    subprocess.run(["bash", "-ec", restore], env=environ, check=True)
    (tmp_path / "data").rename(tmp_path / "old")
    (tmp_path / "restored").rename(tmp_path / "data")
    api = Api(tmp_path / "data")
    with daemon(tmp_path) as running:
        running.wait_for(r"qabel-rest listens on .*rest\.sock")
        assert [each["alias"] for each in api.good("GET", "/identities")] == ["before"]
