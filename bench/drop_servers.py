"""Drop servers to measure: with a file, or several with one database; and what loads them."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import field, frozen

from bench.world import LISTEN, cpu
from tests.dropserver.postgresql.cluster import Cluster, find_programs
from tests.integration.processes import Twistd

QUOTA = 100_000
"""Megabytes: nothing has to go for what is posted."""

IS_DATABASE_THERE = find_programs() is not None

_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB"}
"""As for a server that does nothing else; all that is answered is on its disk."""


@frozen(eq=False)
class Servers:
    """Running drop servers."""

    processes: Sequence[Twistd]
    cluster: Cluster | None = field(default=None)

    @property
    def ports(self) -> list[int]:
        """Where they listen."""
        return [each.port("qabel-drop") for each in self.processes]

    def cpu(self) -> float:
        """Return the seconds of CPU time that they, and the database, have used."""
        pids = [each.process.pid for each in self.processes]
        if self.cluster is not None:
            pids += self.cluster.pids
        return sum(map(cpu, pids))


@contextmanager
def file_server(folder: Path, name: str = "file") -> Iterator[Servers]:
    """Run a server with a file."""
    with _server(folder, name) as process:
        yield Servers([process])


@contextmanager
def front_ends(folder: Path, count: int) -> Iterator[Servers]:
    """Run servers with one database."""
    programs = find_programs()
    assert programs is not None
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(programs, _SETTINGS))
        option = f"--database={cluster.url()}"
        processes = [
            stack.enter_context(_server(folder, f"front-end-{number}", option))
            for number in range(count)
        ]
        yield Servers(processes, cluster)


@contextmanager
def _server(folder: Path, name: str, *options: str) -> Iterator[Twistd]:
    command = ["qabel-drop", f"--data-dir={folder / name}", f"--listen={LISTEN}"]
    with Twistd(folder / f"{name}.log", *command, f"--quota={QUOTA}", *options) as process:
        process.wait_for(r"qabel-drop \S+ is ready")
        yield process
        process.stop()


@contextmanager
def client(module: str, *arguments: object) -> Iterator[Callable[[object], str]]:
    """Run a client that answers lines with lines; yield what asks it."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(line: object) -> str:
            process.stdin.write(f"{line}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            answer: str = process.stdout.readline()  # type: ignore[union-attr]
            assert answer, f"{module} ended"
            return answer

        try:
            assert process.stdout.readline() == "ready\n", f"{module} did not start"
            yield ask
        finally:
            process.terminate()
