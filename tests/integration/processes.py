"""Real ``twistd`` processes for tests: started, waited for, stopped, killed."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

ROOT = Path(__file__).parents[2]
"""The repository: where twistd finds the plugins of a checkout that is not installed."""

TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]

DEADLINE = 20.0
"""Seconds that anything may take, on a machine that does other things too."""

Result = TypeVar("Result")


def wait_until(look: Callable[[], Result | None], what: str, deadline: float = DEADLINE) -> Result:
    """Look again and again until there is something, and give it; fails after a deadline."""
    end = time.monotonic() + deadline
    while (found := look()) is None:
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline} s for {what}")
        time.sleep(0.01)
    return found


class Twistd:
    """One ``twistd -n COMMAND …`` process. As a context manager it is killed at the end.

    What it writes goes to files in ``directory``, which it does not use otherwise. ``under`` is
    the command line of a program that runs it.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        number = len(list(directory.glob("*.out")))
        self._out = directory / f"{number}.out"
        self._err = directory / f"{number}.err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*under, *TWISTD, "-n", f"--pidfile={directory / f'{number}.pid'}", *arguments],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def log(self) -> str:
        """What it has logged so far."""
        return self._out.read_text(errors="replace")

    @property
    def errors(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text(errors="replace")

    def wait_for(self, pattern: str, deadline: float = DEADLINE) -> "re.Match[str]":
        """Wait until the log has a line that matches; fails if the process ends instead."""

        def look() -> "re.Match[str] | None":
            ended = self.process.poll() is not None
            found = re.search(pattern, self.log)
            if found is None and ended:
                raise AssertionError(f"ended with {self.process.returncode}: {self.errors}")
            return found

        return wait_until(look, f"{pattern!r} in the log", deadline)

    def port(self, name: str) -> int:
        """Wait until it listens on a loopback port, and give it."""
        return int(self.wait_for(rf"{name} listens on 127\.0\.0\.1:(\d+)")[1])

    def ended(self, deadline: float = DEADLINE) -> int:
        """Wait until it has ended by itself, and give its status."""
        return self.process.wait(deadline)

    def stop(self, deadline: float = 5.0) -> int:
        """Ask it to stop, as service managers do, and give its status."""
        self.process.terminate()
        return self.process.wait(deadline)

    def kill(self) -> None:
        """End it with no chance to clean up."""
        self.process.kill()
        self.process.wait(DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()
