"""What ``make run`` and ``make demo`` start."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.processes import DEADLINE, ROOT, wait_until
from tests.ports import free_port


class Run(contextlib.AbstractContextManager["Run"]):
    """``make run``, as a process whose output goes to a file. It is killed at the end."""

    def __init__(self, folder: Path, port: int, drop_port: int) -> None:
        self._output = folder / f"{port}.out"
        self.folder = folder
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "examples" / "run.py")],
                cwd=folder,
                env={
                    **os.environ,
                    "QABEL_DATA_DIR": str(folder / f"data-{port}"),
                    "PORT": str(port),
                    "DROP_PORT": str(drop_port),
                },
                stdout=output,
                stderr=output,
            )

    @property
    def output(self) -> str:
        """What has been printed so far."""
        return self._output.read_text()

    def welcome(self) -> str:
        """Wait until it says that it is up, and return what it has printed."""
        wait_until(lambda: "Ctrl-C stops it" in self.output or None, "the welcome")
        return self.output

    def __exit__(self, *_: object) -> None:
        # Killed, it could not stop the daemon.
        self.process.terminate()
        self.process.wait(DEADLINE)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_is_printed_at_the_start_works(tmp_path: Path) -> None:
    """The commands that it prints work when they are pasted, and Ctrl-C is a success."""
    with Run(tmp_path, free_port(), free_port()) as running:
        lines = re.findall(r"^  (.*)$", running.welcome(), re.MULTILINE)
        commands = [each.split("#")[0].split()[:2] for each in lines]
        assert [each[0] for each in commands] == ["export", *["qabel"] * 4, "curl"]
        assert commands[1] == ["qabel", "open"]
        lines[-1] += " --silent --fail-with-body"
        shell = ["bash", "-e", "-c", "\n".join(lines)]
        # Without a screen, the address of the page is printed.
        screens = {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}
        done = subprocess.run(
            shell,
            check=True,
            timeout=DEADLINE,
            capture_output=True,
            text=True,
            env={name: value for name, value in os.environ.items() if name not in screens},
        )
        assert re.search(r"^http://127\.0\.0\.1:[0-9]+/#[0-9a-f]{32}$", done.stdout, re.MULTILINE)
        assert "running" in done.stdout.lower()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(DEADLINE) == 0


def test_a_port_of_another_daemon(tmp_path: Path) -> None:
    """With a daemon on the port already, it says so and what to do, and leaves nothing running."""
    port = free_port()
    with Run(tmp_path, port, free_port()) as first:
        first.welcome()
        (tmp_path / "second").mkdir()
        with Run(tmp_path / "second", port, free_port()) as second:
            assert second.process.wait(DEADLINE) == 1
        assert "Qabel is running" not in second.output
        assert f"cannot listen on tcp:{port}" in second.output
        assert "make run PORT=9796 DROP_PORT=9797" in second.output
        assert not (tmp_path / "second" / f"data-{port}" / "rest.sock").exists()
        assert first.process.poll() is None


def test_the_demo_ends_well() -> None:
    """Two people exchange messages, and both are heard."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "demo.py")],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("received: ") == 2
