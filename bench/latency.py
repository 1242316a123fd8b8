"""From a POST at one daemon to /events at another: with push, by polling, and through chat."""

import http.client
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.measure import Row
from bench.world import Connection, Daemon, daemon, drop_server

COUNT = 100
"""Messages: more in a row would be announced at the rate that is allowed to a drop server."""

POLL_INTERVAL = 0.5

CHAT = 0.05
"""Seconds that a text may take from one side's chat to the other side's, in the median."""

Way = Callable[[Daemon, Daemon, int], list[float]]


def run(*, small: bool) -> Iterator[Row]:
    """Send messages one after another, and wait for the arrival of each."""
    count = 3 if small else COUNT
    times = _times(count, _messages)
    what = "from POST /drop to the other's /events, with push, poll_interval 3600"
    yield Row(what, "a second", times[-1], "<= 1", _detail(times))
    times = _times(count, _messages, with_push=False)
    # The pauses between two polls are drawn, and have this mean.
    what = f"the same without push, poll_interval {POLL_INTERVAL}, median"
    middle = statistics.median(times)
    yield Row(what, "the interval", middle / POLL_INTERVAL, "<= 1", _detail(times))
    times = _times(count, _texts)
    what = "from a text in chat to the other's chat.message, with push, median"
    middle, against = statistics.median(times), f"{1000 * CHAT:.0f} ms"
    yield Row(what, against, middle / CHAT, "<= 1", _detail(times))


def _detail(times: list[float]) -> str:
    longest, middle = times[-1] * 1000, statistics.median(times) * 1000
    return f"median {middle:.0f} ms, longest {longest:.0f} ms of {len(times)}"


def _times(count: int, way: Way, *, with_push: bool = True) -> list[float]:
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
            bob.api.good("POST", "/contacts/import", cards[0])
            interval = 3600 if with_push else POLL_INTERVAL
            bob.api.good("PUT", "/settings", {"key": "poll_interval", "value": interval})
            while with_push and not bob.api.good("GET", "/status")["push"]["listening"]:
                time.sleep(0.05)
            return sorted(way(alice, bob, count))


def _messages(alice: Daemon, bob: Daemon, count: int) -> list[float]:
    [contact] = alice.api.good("GET", "/contacts")
    body = {"sender": 1, "recipients": [contact["id"]]}

    def message(number: int) -> object:
        return {**body, "drop_message": {"model_object": "test", "data": {"number": number}}}

    return _arrivals(alice, bob, ("/drop", "drop"), map(message, range(count)))


def _texts(alice: Daemon, bob: Daemon, count: int) -> list[float]:
    [contact] = alice.api.good("GET", "/contacts")
    body = {"identity": contact["identity_id"], "contact": contact["id"]}
    opened = alice.api.good("POST", "/chat/conversations", body)["id"]
    path = f"/chat/conversations/{opened}/messages"
    texts = ({"text": f"Text number {number}"} for number in range(count))
    return _arrivals(alice, bob, (path, "chat.message"), texts)


def _arrivals(
    alice: Daemon, bob: Daemon, way: tuple[str, str], bodies: Iterator[object]
) -> list[float]:
    """Return the seconds from each request to the other side's event."""
    path, kind = way
    assert alice.api.port is not None
    client = Connection(alice.api.port, alice.api.token)
    events = http.client.HTTPConnection("127.0.0.1", bob.api.port, timeout=60)
    events.request(
        "GET", f"/events?kinds={kind}", headers={"Authorization": f"Bearer {bob.api.token}"}
    )
    stream = events.getresponse()
    times = []
    for body in bodies:
        start = time.perf_counter()
        assert client.post(path, body) == 201
        while not stream.readline().startswith(b"data:"):
            pass
        times.append(time.perf_counter() - start)
    client.close()
    events.close()
    return times
