"""The drop servers under siege: one with a file, or two with one database."""

import contextlib
import random
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from attrs import define, field

from tests.dropserver.postgresql.cluster import Cluster
from tests.integration.haproxy import Haproxy
from tests.integration.nginx import Nginx
from tests.integration.processes import Twistd

QUOTA = 400
"""Megabytes: floods fill it."""

BALANCERS = ("nginx", "nginx in turns", "haproxy", "haproxy in turns")
"""What may stand before two servers: a drop's requests go to one of them, or to each in turn."""


@define(eq=False)
class Servers:
    """Real processes, which can be killed."""

    folder: Path
    cluster: Cluster | None
    count: int
    balancer: str | None = None
    """One of ``BALANCERS``; None if clients come to the servers themselves."""
    ports: list[int] = field(factory=list, init=False)
    """Of the servers."""
    entries: list[int] = field(factory=list, init=False)
    """The ports to which clients come."""
    blows: list[str] = field(factory=list, init=False)
    _processes: list[Twistd] = field(factory=list, init=False)
    _stack: ExitStack = field(factory=ExitStack, init=False)

    def start(self) -> Sequence[int]:
        """Start all; return the ports to which clients come, which stay."""
        for number in range(self.count):
            process = self._begin(number, 0)
            self._processes.append(process)
            self.ports.append(process.port("qabel-drop"))
        self.entries = self.ports
        if self.balancer is not None:
            self.entries = [self._stack.enter_context(self._balancer(self.balancer)).port]
        return self.entries

    def _balancer(self, name: str) -> "AbstractContextManager[Any]":
        in_turns = name.endswith("in turns")
        if name.startswith("nginx"):
            without = r"hash \$qabel_drop_id consistent;" if in_turns else ""
            what = "qabel-drop-balanced"
            return Nginx(self.folder, what, *self.ports, tls=False, without=without)
        balance = "roundrobin" if in_turns else None
        return Haproxy(self.folder, *self.ports, tls=False, balance=balance)

    def _begin(self, number: int, port: int) -> Twistd:
        options = [f"--quota={QUOTA}"]
        if self.balancer is not None:
            options.append("--trust-proxy=127.0.0.1")
        if self.cluster is not None:
            options.append(f"--database={self.cluster.url()}")
        return Twistd(
            self.folder / f"{number}.log",
            "qabel-drop",
            f"--data-dir={self.folder / str(number)}",
            f"--listen=tcp:{port}:interface=127.0.0.1",
            *options,
        )

    def strike(self, chance: random.Random) -> str:
        """Kill something, and start it again; return what it was."""
        what = [self._kill_server]
        if self.cluster is not None:
            what += [self._kill_database, self._kill_backends]
        done = chance.choice(what)(chance)
        self.blows.append(done)
        return done

    def _kill_server(self, chance: random.Random) -> str:
        number = chance.randrange(self.count)
        self._processes[number].kill()
        self._processes[number] = self._begin(number, self.ports[number])
        return f"server {number} was killed"

    def _kill_database(self, _: random.Random) -> str:
        assert self.cluster is not None
        self.cluster.kill()
        self.cluster.start()
        return "the database was killed"

    def _kill_backends(self, _: random.Random) -> str:
        assert self.cluster is not None
        with contextlib.suppress(AssertionError):
            self.cluster.asks(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'qabel-drop'"
            )
        return "the connections to the database were cut"

    def end(self) -> None:
        """End all."""
        self._stack.close()
        for each in self._processes:
            each.kill()
