"""Many identities, each with connections of its own: what they cost in time and memory."""

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, Daemon, bare_process, daemon, drop_server

OFTEN = 0.05
"""The shortest poll interval, in seconds."""

RARELY = 86400

SETTLE = 3.0
"""Seconds after the last identity in which all connections are made."""

POLL_SECONDS = 120.0
"""By when all polls must have been made."""

PUSH_SECONDS = 300.0
"""By when all drops must be listened to."""


def run(*, small: bool) -> Iterator[Row]:
    """Measure polls, and then memory."""
    count = 5 if small else 100
    yield _polls(count, 50 if small else 2000, 1 if small else 5)
    one, many = _memory(1), _memory(count)
    yield Row(
        f"the additional memory for {count} identities with push instead of one, in MB",
        "one",
        max(0.0, many - one),
        "<= 40",
        f"{many:.0f} MB against {one:.0f}",
    )


def _polls(count: int, polls: int, rounds: int) -> Row:
    """Compare the CPU time of a poll, in several rounds."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        port = stack.enter_context(bare_process("bench.empty_drops"))
        server = f"http://127.0.0.1:{port}"
        me = stack.enter_context(daemon(Path(name), "me", "--no-push"))
        _identities(me, server, count)
        counter = stack.enter_context(contextlib.closing(_Counter(port)))
        bare = stack.enter_context(_bare_polls(server, count, polls // count))
        bare()
        pairs = [(_poll(me, counter, polls), bare()) for _ in range(rounds)]
    each = statistics.median(mine for mine, _ in pairs)
    return Row(
        f"10000 polls of the drops of {count} identities, with nothing new",
        f"the CPU time of as many bare treq GETs on {count} pools",
        statistics.median(mine / theirs for mine, theirs in pairs),
        "<= 1.3",
        f"{each * 10_000:.1f} s of CPU",
    )


def _identities(me: Daemon, server: str, count: int) -> None:
    me.api.good("PUT", "/settings", {"key": "poll_interval", "value": RARELY})
    for number in range(count):
        me.api.meet(f"{number}", server)


def _poll(me: Daemon, counter: "_Counter", polls: int) -> float:
    """Return the seconds of CPU time of a poll, measured over as many or more."""
    me.api.good("PUT", "/settings", {"key": "poll_interval", "value": OFTEN})
    start, before = counter.count(), me.cpu()
    ends = time.monotonic() + POLL_SECONDS
    while (done := counter.count() - start) < polls:
        assert time.monotonic() < ends, "the drops were not polled"
        time.sleep(0.02)
    used = me.cpu() - before
    me.api.good("PUT", "/settings", {"key": "poll_interval", "value": RARELY})
    return used / done


@contextlib.contextmanager
def _bare_polls(server: str, count: int, rounds: int) -> Iterator[Callable[[], float]]:
    """Run the peer; yield what returns its seconds of CPU time for one GET."""
    command = [sys.executable, "-m", "bench.bare_polling", server, str(count)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        given, printed = process.stdin, process.stdout
        assert given is not None
        assert printed is not None

        def get() -> float:
            given.write(f"{rounds}\n")
            given.flush()
            return float(printed.readline()) / (rounds * count)

        yield get
        process.terminate()


class _Counter(Connection):
    """Asks the server how often drops were read."""

    def count(self) -> int:
        self._socket.sendall(b"GET /count HTTP/1.1\r\n\r\n")
        return int(self._more().rpartition(b"\r\n")[2])


def _memory(count: int) -> float:
    """Return the memory of a daemon whose identities' drops are all listened to, in MB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with drop_server(folder) as server, daemon(folder, "me") as me:
            me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 5})
            for number in range(count):
                me.api.meet(f"{number}", server)
            ends = time.monotonic() + PUSH_SECONDS
            while me.api.good("GET", "/status")["push"]["listening"] < count:
                assert time.monotonic() < ends, "not all drops were listened to"
                time.sleep(0.1)
            time.sleep(SETTLE)
            return me.memory()
