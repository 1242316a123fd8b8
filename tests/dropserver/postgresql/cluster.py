"""A PostgreSQL of the tests' own: on a Unix socket in a temporary directory, gone at the end."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import quote

from attrs import define, field

from tests.integration.processes import DEADLINE, wait_until

USER = "qabel"

_VERSIONS = Path("/usr/lib/postgresql")
"""Where Debian has the programs of the server, for each version."""


def find_programs() -> Path | None:
    """Return the directory of the newest server's programs; None if none is installed."""
    found = [each / "bin" for each in _VERSIONS.glob("*") if (each / "bin/postgres").exists()]
    return max(found, key=lambda each: float(each.parent.name), default=None)


def _unprivileged() -> int | None:
    """Return the user as who a server may run: it refuses to run as root."""
    return None if os.geteuid() else pwd.getpwnam("postgres").pw_uid


@define(eq=False)
class Cluster:
    """A database server. As a context manager it is created and removed."""

    programs: Path
    settings: dict[str, str] = field(factory=dict)
    folder: Path = field(init=False)
    _process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @folder.default
    def _make_folder(self) -> Path:
        # Not where tests keep their files: only root may go there, and the server runs as another.
        return Path(tempfile.mkdtemp(prefix="qabel-pg-"))

    @property
    def data(self) -> Path:
        """The directory of the data."""
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@/{database}?host={quote(str(self.folder), safe='')}"

    def create(self) -> None:
        """Create it, without starting it."""
        if (uid := _unprivileged()) is not None:
            os.chown(self.folder, uid, -1)
        options = ("-A", "trust", "-U", USER, "--no-sync", "--no-instructions", "-E", "UTF8")
        self.runs("initdb", "-D", str(self.data), "--locale=C", *options)

    def copy_of(self, other: "Cluster") -> None:
        """Create it as a standby of another."""
        if (uid := _unprivileged()) is not None:
            os.chown(self.folder, uid, -1)
        source = f"host={other.folder} user={USER} application_name=standby"
        options = ("-R", "--no-sync", "-c", "fast")
        self.runs("pg_basebackup", "-D", str(self.data), "-d", source, *options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        given = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "32MB",
            "max_connections": "60",
            "log_min_messages": "fatal",
            **self.settings,
        }
        options = [f"--{name}={value}" for name, value in given.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, *options],
                stdout=log,
                stderr=log,
                user=_unprivileged(),
                cwd="/",
            )
        wait_until(self._is_up, "the database server")

    def _is_up(self) -> bool | None:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        command = [self.programs / "pg_isready", "-q", "-h", self.folder, "-d", "postgres"]
        return subprocess.run(command, check=False).returncode == 0 or None

    def stop(self) -> None:
        """Stop it at once, but in order."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End all its processes as a power failure would."""
        assert self._process is not None
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(DEADLINE)
        self._process = None
        # The next start would find its lock, and the process that it names may be another.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    @property
    def pids(self) -> list[int]:
        """The processes of the running server."""
        assert self._process is not None
        return [self._process.pid, *self._children(self._process.pid)]

    def freeze(self, *, go_on: bool = False) -> None:
        """Stop all its processes in their tracks, or have them go on."""
        for pid in self.pids:
            os.kill(pid, signal.SIGCONT if go_on else signal.SIGSTOP)

    def promote(self) -> None:
        """Make a standby the primary."""
        self.runs("pg_ctl", "promote", "-D", str(self.data), "-w")

    def runs(self, program: str, *arguments: str) -> str:
        """Run one of the programs as the server's user; return what it prints."""
        done = subprocess.run(
            [self.programs / program, *arguments],
            user=_unprivileged(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asks(self, statement: str, database: str = "postgres") -> str:
        """Run an SQL statement; return the rows as text."""
        return self.runs("psql", "-XAtq", "-d", self.url(database), "-c", statement).strip()

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(DEADLINE)
            self._process = None

    def _children(self, pid: int) -> list[int]:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(each) for each in text.split()]

    def __enter__(self) -> Self:
        self.create()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Stop it, and delete what it had."""
        self._signal(signal.SIGQUIT)
        shutil.rmtree(self.folder)
