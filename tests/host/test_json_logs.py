"""Logs in JSON: each line is an object, with what is said and no more."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from twisted.logger import Logger, LogPublisher
from twisted.python.failure import Failure

from qabel.host.json_logs import json_lines
from qabel.host.secretless_logs import SecretlessObserver
from tests.integration.processes import ROOT, TWISTD, Twistd


def logged(text: str) -> list[dict[str, Any]]:
    """Read lines of a log."""
    return [json.loads(line) for line in text.splitlines()]


def test_what_a_line_has() -> None:
    """Time, level, where it came from, and the text; of a failure, the lines of code."""
    file, secret = io.StringIO(), "MARK" + "ER"
    log = Logger("here", observer=LogPublisher(SecretlessObserver(json_lines(file))))
    log.warn("two\nlines, {what}", what="ünïcode", hidden="MARKER")
    log.info("")
    try:
        raise ValueError(secret)
    except ValueError:
        log.failure("it failed", Failure())
    [warning, failure] = logged(file.getvalue())
    assert warning.pop("time").endswith("+00:00")
    assert warning == {"level": "warn", "namespace": "here", "text": "two\nlines, ünïcode"}
    assert (failure["level"], failure["text"]) == ("critical", "it failed")
    assert "test_what_a_line_has" in failure["traceback"]
    assert "ValueError" in failure["traceback"]
    assert "MARKER" not in file.getvalue()


@pytest.mark.parametrize("name", ["qabel-rest", "qabel-drop", "qabel-block"])
def test_daemons(name: str, tmp_path: Path) -> None:
    """With --log-json, all that a daemon writes to standard output is JSON."""
    listen = "--listen=tcp:0:interface=127.0.0.1"
    with Twistd(tmp_path, name, f"--data-dir={tmp_path / 'data'}", listen, "--log-json") as daemon:
        assert daemon.port(name)
        daemon.stop()
        texts = [each["text"] for each in logged(daemon.log)]
        assert daemon.errors == ""
    assert any(text.startswith(f"{name} listens on") for text in texts)


def test_a_file(tmp_path: Path) -> None:
    """It goes to twistd's log file, if there is one; with other ways to log it is refused."""

    def twistd(*options: str) -> "subprocess.CompletedProcess[str]":
        plugin = ["qabel-drop", "--data-dir=/dev/null/none", "--log-json"]
        return subprocess.run(
            [*TWISTD, "-n", "--pidfile=", *options, *plugin],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    file = tmp_path / "log"
    assert twistd(f"--logfile={file}").returncode == 1
    assert logged(file.read_text())[0]["text"].startswith("twistd")
    for other in ("--syslog", "--logger=twisted.logger.STDLibLogObserver"):
        refused = twistd(other)
        assert refused.returncode == 1
        assert "--log-json cannot be combined" in refused.stderr
