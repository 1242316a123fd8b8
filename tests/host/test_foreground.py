"""A daemon in the foreground: the same service as under twistd, with a status of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

DAEMON = """
import sys
from twisted.application.service import Service
from twisted.internet import reactor
from qabel.host.daemon_options import DaemonOptions
from qabel.host.foreground import run_in_foreground
from qabel.host.start_errors import StartError, fail_start

class Options(DaemonOptions):
    name, version, default_port, optParameters = "test", "1.2", 0, [["do", None, "stop"]]

class Work(Service):
    def __init__(self, what):
        self.what = what

    def startService(self):
        if self.what == "refuse":
            raise StartError("not today")
        if self.what == "break":
            raise KeyError("x")
        reactor.callWhenRunning(getattr(self, self.what))

    def stop(self):
        reactor.stop()

    def fail(self):
        fail_start("test: not any more", reactor)

    def stopService(self):
        print("stopped the service")

def make_service(options):
    options.note_ready(None)
    return Work(options["do"])

sys.exit(run_in_foreground(Options(), make_service, sys.argv[1:]))
"""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the daemon until it ends."""
    return subprocess.run(
        [sys.executable, "-c", DAEMON, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_clean_stop() -> None:
    """The service is stopped with the reactor, the log is on standard error, the status is 0."""
    done = run()
    assert (done.returncode, done.stdout) == (0, "")
    assert "test 1.2 is ready" in done.stderr
    assert "stopped the service" in done.stderr
    assert done.stderr.endswith("Stopped.\n")


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["--frob"], 2, "test: option --frob not recognized (see --help)"),
        (["surplus"], 2, "test: unexpected argument 'surplus' (see --help)"),
        (["--do=refuse"], 1, "test: not today"),
        (["--do=fail"], 1, "test: not any more"),
        (["--log=/dev/null/x"], 1, "test: cannot open the log file /dev/null/x: Not a directory"),
        (["--log=/"], 1, "test: cannot open the log file /: Is a directory"),
    ],
)
def test_what_keeps_it_from_starting(arguments: list[str], status: int, line: str) -> None:
    """It is said once, on standard error, with a status that tells wrong options from the rest."""
    done = run(*arguments)
    assert done.returncode == status
    assert (done.stdout, done.stderr.splitlines().count(line)) == ("", 1)
    assert done.stderr.count(line.removeprefix("test: ")) == 1
    assert "Stopped" not in done.stderr
    assert "Traceback" not in done.stderr


def test_the_log_in_json_holds_the_reason() -> None:
    """With a log in JSON on standard error, every line of that is JSON, the reason too."""
    done = run("--do=fail", "--log-json")
    assert done.returncode == 1
    assert all(each.startswith("{") for each in done.stderr.splitlines())
    assert done.stderr.count("not any more") == 1


def test_a_defect_is_in_the_log(tmp_path: Path) -> None:
    """What nobody expects is a line for the user, and a traceback in the log."""
    log = tmp_path / "log"
    done = run("--do=break", f"--log={log}")
    assert (done.returncode, done.stderr) == (1, "test: unexpected error; see the log\n")
    assert "KeyError" in log.read_text()


def test_a_log_file(tmp_path: Path) -> None:
    """With --log, lines are added to the file, and nothing is written elsewhere."""
    log = tmp_path / "log"
    log.write_text("before\n")
    for _ in range(2):
        done = run(f"--log={log}")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    text = log.read_text()
    assert text.startswith("before\n")
    assert text.count("Stopped.") == 2
