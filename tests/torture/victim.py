"""A process that is killed and frozen, and started again whenever it has ended."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from attrs import define, field

from tests.integration.processes import ROOT, TWISTD


@define(eq=False)
class Victim:
    """A process, by the command that starts it. All of it may be used by several threads.

    Args:
        name: in reports.
        kind: of what it is one: daemon, server, reader, receiver or sender.
        command: the arguments of the Python interpreter.
        log: the file for what it writes.

    """

    name: str
    kind: str
    command: list[str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)
    is_finished: bool = field(default=False, init=False)
    """Whether it has ended with status 0, which is for good."""
    lock: threading.RLock = field(factory=threading.RLock, init=False)

    def start(self) -> None:
        """Start it."""
        with self.lock, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, between: Callable[[], None] = lambda: None) -> None:
        """End it with no warning, do something, and start it again."""
        with self.lock:
            if not self.is_finished:
                self.end()
                between()
                self.start()

    def end(self) -> None:
        """End it with no warning."""
        with self.lock:
            if self.process is not None:
                self.process.kill()
                self.process.wait()

    def freeze(self, seconds: float) -> None:
        """Have it do nothing for a while, with its connections open."""
        with self.lock:
            assert self.process is not None
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGSTOP)
                time.sleep(seconds)
                self.process.send_signal(signal.SIGCONT)

    def revive(self) -> int | None:
        """Start it again if it ended by itself; return its status then, or None if it runs."""
        with self.lock:
            if self.is_finished or self.process is None or (status := self.process.poll()) is None:
                return None
            if status == 0 and self.kind == "sender":
                self.is_finished = True
                return None
            self.start()
            return status

    def stop(self) -> None:
        """Ask it to stop, and wait for that."""
        with self.lock:
            if self.process is not None:
                self.is_finished = True
                self.process.terminate()
                self.process.wait(20)


def twistd(*arguments: str) -> list[str]:
    """Return the command of a twistd plugin."""
    return [*TWISTD[1:], "-n", "--pidfile=", *arguments]


def script(name: str, *arguments: object) -> list[str]:
    """Return the command of a script of the torture."""
    return ["-m", f"tests.torture.{name}", *map(str, arguments)]
