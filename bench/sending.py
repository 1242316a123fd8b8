"""Sending: a durable ``POST /drop``, compared with the minimum that it requires."""

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.measure import Row
from bench.world import Connection, Daemon, bare_process, daemon, drop_server


def run(*, small: bool) -> Iterator[Row]:
    """Send messages, each after the response to the one before, alternating with the peers."""
    count, rounds = (5, 1) if small else (25, 41)
    for is_secure in (False, True):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder = Path(name)
            if is_secure:
                file = folder / "certificate.pem"
                server = _secure_server(stack, folder, file)
                environment = {"SSL_CERT_FILE": str(file)}
            else:
                server, environment = stack.enter_context(drop_server(folder)), {}
            senders = _senders(stack, folder, server, environment, count)
            for send in senders:
                send()
            times = [[send() for send in senders] for _ in range(rounds)]
        yield from _rows(times, count, "over TLS" if is_secure else "durable")


def _secure_server(stack: contextlib.ExitStack, folder: Path, file: Path) -> str:
    """Run a drop server with TLS, which writes its certificate to a file; return its URL."""
    process = bare_process("bench.tls_drops", str(folder / "drops"), str(file))
    return f"https://127.0.0.1:{stack.enter_context(process)}"


def _senders(
    stack: contextlib.ExitStack,
    folder: Path,
    server: str,
    environment: dict[str, str],
    count: int,
) -> list[Callable[[], float]]:
    """Run the daemon and the peers; return what sends with each, and returns the seconds."""

    def begin(name: str, *options: str) -> tuple[Daemon, dict[str, Any], str]:
        """Run a daemon; return it with the body of a request, and the drop that it posts to."""
        running = daemon(folder, name, "--no-push", *options, environment=environment)
        me = stack.enter_context(running)
        card = me.api.meet("me", server)
        contact = {**card["contacts"][0], "public_key": "5e" * 32, "alias": "other"}
        me.api.good("POST", "/contacts/import", contact)
        [known] = me.api.good("GET", "/contacts")
        body = {
            "sender": known["identity_id"],
            "recipients": [known["id"]],
            "drop_message": {"model_object": "box_message", "data": {"msg": "x" * 100}},
        }
        return me, body, contact["drop_urls"][0]

    def sender(port: int | None, body: dict[str, Any], token: str = "") -> Callable[[], float]:
        assert port is not None
        client = stack.enter_context(contextlib.closing(Connection(port, token)))

        def send() -> float:
            start = time.perf_counter()
            for _ in range(count):
                assert client.post("/drop", body) == 201
            return time.perf_counter() - start

        return send

    # The peers make no conversations of messages, and no index.
    plain, body, url = begin("plain", "--no-module=chat")
    chatting, same, _ = begin("chatting")
    database = str(folder / "bare.db")
    bare = bare_process("bench.bare_sending", url, database, environment=environment)
    return [
        sender(plain.api.port, body, plain.api.token),
        sender(stack.enter_context(bare), body),
        stack.enter_context(_poster(url, folder / "posting.db", environment, count)),
        sender(chatting.api.port, same, chatting.api.token),
    ]


def _rows(times: list[list[float]], count: int, how: str) -> Iterator[Row]:
    what = f"POST /drop to one recipient, {how}, without chat"
    each = statistics.median(mine for mine, *_ in times) / count * 1000
    yield Row(
        what,
        "the same box posted with treq over a fresh connection, and one SQLite commit",
        statistics.median(posting / mine for mine, _, posting, _ in times),
        ">= 0.45",  # the bare route below has no more than 0.7, see docs/performance.rst
        f"{each:.1f} ms each",
    )
    yield Row(
        what,
        "a bare Klein route that seals, stores, posts over a fresh connection and records",
        statistics.median(bare / mine for mine, bare, *_ in times),
        ">= 0.7",
        f"whose own ratio is {statistics.median(other / bare for _, bare, other, _ in times):.2f}"
        " in the row before",
    )
    yield Row(
        f"the same, {how}, with chat and its index",
        "without",
        statistics.median(mine / chatting for mine, _, _, chatting in times),
        ">= 0.75",
    )


@contextlib.contextmanager
def _poster(
    url: str, path: Path, environment: dict[str, str], count: int
) -> Iterator[Callable[[], float]]:
    """Run the peer that only commits and posts; yield what runs it and returns the seconds."""
    command = [sys.executable, "-m", "bench.bare_posting", url, str(path)]
    env = {**os.environ, **environment}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, printed = process.stdin, process.stdout

        def post() -> float:
            given.write(f"{count}\n")
            given.flush()
            return float(printed.readline())

        yield post
        process.terminate()
