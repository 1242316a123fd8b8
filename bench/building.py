"""What others notice while a module deals with a million messages that were there before."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from attrs import frozen

from bench.measure import Row
from bench.search import Texts
from bench.world import Connection, Daemon, bare_route, daemon, drop_server
from qabel.jsontext import encode
from tests.integration.full_inbox import FIRST, INSERT, put

SENDERS = 2000

WARM_UP = 20
"""Requests that are not measured: the first ones load code."""


def run(*, small: bool) -> Iterator[Row]:
    """Compare the 99th percentiles of requests while chat is built to those without."""
    count, rounds = (20_000, 50) if small else (1_000_000, 2000)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with drop_server(folder) as server:
            with daemon(folder, "peer") as peer:
                card = peer.api.meet("peer", server)
            # With chat, so that its tables are there.
            with daemon(folder, "me", "--no-push") as me:
                me.api.meet("me", server)
                me.api.good("POST", "/contacts/import", card)
            _fill(folder / "me", count)
            with bare_route(200, 1000) as bare:
                with daemon(folder, "me", "--no-push", "--no-module", "chat") as me:
                    quiet = _percentiles(me, bare, rounds, lambda: True)
                with daemon(folder, "me", "--no-push") as me:
                    me.api.good("POST", "/modules/chat/rebuild")
                    started = time.perf_counter()
                    busy = _percentiles(me, bare, rounds, lambda: _is_building(me))
                    detail = _progress(me, time.perf_counter() - started, count)
    yield _row(f"GET /settings while chat is built from {count:,} messages", busy.get, quiet.get)
    yield _row("the same", busy.get, busy.bare, "a bare Klein route meanwhile")
    yield _row("POST /drop meanwhile", busy.post, quiet.post, detail=detail)


def _row(what: str, one: float, other: float, against: str = "without", detail: str = "") -> Row:
    times = f"{1000 * one:.1f} ms to {1000 * other:.1f}{'; ' if detail else ''}{detail}"
    return Row(f"{what}, 99th percentile", against, one / other, "<= 2", times)


def _fill(directory: Path, count: int) -> None:
    texts = Texts()
    rows = (
        (
            FIRST + number,
            number,
            (number % SENDERS).to_bytes(4, "big") * 8,
            b"\x4e" * 32,
            "box_message",
            encode({"msg": texts(number)}).decode(),
            1_700_000_000_000 + number,
        )
        for number in range(count)
    )
    put(directory, INSERT, rows)


def _is_building(me: Daemon) -> bool:
    return bool(me.api.good("GET", "/modules/chat")["state"] == "building")


def _progress(me: Daemon, seconds: float, count: int) -> str:
    done = me.api.good("GET", "/modules/chat")["done"]
    return f"{done * count / seconds:,.0f} messages a second meanwhile"


@frozen
class _Percentiles:
    """The 99th percentiles of requests, in seconds."""

    get: float
    post: float
    bare: float


def _percentiles(me: Daemon, bare: int, rounds: int, goes_on: Callable[[], bool]) -> _Percentiles:
    """Send requests in turns, as long as something goes on."""
    assert me.api.port is not None
    client, other = Connection(me.api.port, me.api.token), Connection(bare)
    body = {"sender": 1, "recipients": [1], "drop_message": {"model_object": "test", "data": {}}}
    gets: list[float] = []
    posts: list[float] = []
    others: list[float] = []
    for _ in range(WARM_UP):
        client.get("/settings")
        other.get("/bare")
    for number in range(rounds):
        if number and number % 50 == 0 and not goes_on():
            break
        gets.append(client.get("/settings"))
        others.append(other.get("/bare"))
        started = time.perf_counter()
        assert client.post("/drop", body) == 201
        posts.append(time.perf_counter() - started)
    client.close()
    other.close()
    return _Percentiles(*(sorted(each)[int(len(each) * 0.99)] for each in (gets, posts, others)))
