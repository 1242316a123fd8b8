"""From POST /drop at one daemon to /events at another: with push, and by polling."""

import http.client
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, Daemon, daemon, drop_server

POLL_INTERVAL = 0.5


def run(*, small: bool) -> Iterator[Row]:
    """Send messages one after another, and wait for the arrival of each."""
    count = 3 if small else 200
    for with_push in (True, False):
        times = sorted(_times(count, with_push=with_push))
        longest, middle = times[-1] * 1000, statistics.median(times) * 1000
        detail = f"median {middle:.0f} ms, longest {longest:.0f} ms of {count}"
        if with_push:
            what = "from POST /drop to the other's /events, with push, poll_interval 3600"
            yield Row(what, "a second", times[-1], "<= 1", detail)
        else:
            what = f"the same without push, poll_interval {POLL_INTERVAL}"
            yield Row(what, "the interval", times[-1] / POLL_INTERVAL, "<= 1.5", detail)


def _times(count: int, *, with_push: bool) -> list[float]:
    more = () if with_push else ("--no-push",)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            drop_server(folder) as server,
            daemon(folder, "alice") as alice,
            daemon(folder, "bob", *more) as bob,
        ):
            cards = [each.api.meet("x", server) for each in (alice, bob)]
            alice.api.good("POST", "/contacts/import", cards[1])
            interval = 3600 if with_push else POLL_INTERVAL
            bob.api.good("PUT", "/settings", {"key": "poll_interval", "value": interval})
            return _send_and_receive(alice, bob, count, with_push=with_push)


def _send_and_receive(alice: Daemon, bob: Daemon, count: int, *, with_push: bool) -> list[float]:
    while with_push and not bob.api.good("GET", "/status")["push"]["listening"]:
        time.sleep(0.05)
    contact = alice.api.good("GET", "/contacts")[0]
    assert alice.api.port is not None
    client = Connection(alice.api.port, alice.api.token)
    events = http.client.HTTPConnection("127.0.0.1", bob.api.port, timeout=60)
    events.request(
        "GET", "/events?kinds=drop", headers={"Authorization": f"Bearer {bob.api.token}"}
    )
    stream = events.getresponse()
    times = []
    for number in range(count):
        message = {"model_object": "chat", "data": {"number": number}}
        body = {"sender": 1, "recipients": [contact["id"]], "drop_message": message}
        start = time.perf_counter()
        assert client.post("/drop", body) == 201
        while not stream.readline().startswith(b"data:"):
            pass
        times.append(time.perf_counter() - start)
    client.close()
    events.close()
    return times
