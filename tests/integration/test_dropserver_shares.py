"""A real drop server without room: what floods take from others, and what is said to them."""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, drop_server, get

FLOODS = 64

SHARE = 6
"""Of a megabyte, 439 messages, what each of 66 sources has at least."""

UNLIMITED = ("--rate=100000", "--burst=100000")


class Visitor:
    """Somebody who posts from an address, over one connection."""

    def __init__(self, port: int, address: str) -> None:
        self._connection = HTTPConnection(
            "127.0.0.1", port, timeout=20, source_address=(address, 0)
        )

    def post(self, drop: str, body: bytes) -> tuple[int, Any]:
        """Post a message; return the status, and what the server says."""
        self._connection.request("POST", drop, body, {"Authorization": "Client Qabel"})
        response = self._connection.getresponse()
        said = response.read()
        assert response.status == 200 or 60 <= int(response.headers["Retry-After"]) <= 3600
        return response.status, json.loads(said) if said else None


def until_refused(flood: Visitor) -> list[tuple[int, Any]]:
    """Post messages until the server takes no more, and a few more; return what it says."""
    answers = []
    for number in range(460):
        answers.append(flood.post(made_up(number), b"x"))
        if [status for status, _ in answers[-3:]] == [507] * 3:
            break
    return answers


def made_up(number: int) -> str:
    """Return a drop that nobody has."""
    return f"/{number:043d}"


@pytest.mark.parametrize("is_in_turn", [True, False], ids=["in-turn", "together"])
def test_floods_take_nothing_from_light_sources(tmp_path: Path, is_in_turn: bool) -> None:
    """64 sources that post without end leave others their share, with nothing lost."""
    with drop_server(tmp_path, LISTEN, "--quota=1", *UNLIMITED) as server:
        port = server.port("qabel-drop")
        alice, bob = made_up(10**9), made_up(10**9 + 1)
        early = Visitor(port, "127.2.0.1")
        sent = [b"early %d" % number for number in range(SHARE)]
        assert [early.post(alice, body)[0] for body in sent] == [200] * SHARE
        floods = [Visitor(port, f"127.1.{number}.1") for number in range(FLOODS)]
        if is_in_turn:
            answers = [answer for each in floods for answer in until_refused(each)]
        else:
            answers = [each.post(made_up(n), b"x") for n in range(20) for each in floods]
        assert (507, {"error": "Server full"}) in answers
        late = Visitor(port, "127.2.1.1")
        assert [late.post(bob, body)[0] for body in sent] == [200] * SHARE
        assert get(port, path=alice)[0] == get(port, path=bob)[0] == sent


def test_a_flooded_drop(tmp_path: Path) -> None:
    """Strangers who fill a drop take nothing from who writes little, before or after."""
    with drop_server(tmp_path, LISTEN, "--drop-quota=100", *UNLIMITED) as server:
        port = server.port("qabel-drop")
        drop = made_up(1)
        friend = Visitor(port, "127.2.0.1")
        sent = [b"%d" % number for number in range(5)]
        assert [friend.post(drop, body)[0] for body in sent] == [200] * 5
        flood = Visitor(port, "127.1.0.1")
        assert [flood.post(drop, b"x")[0] for _ in range(120)] == [200] * 95 + [507] * 25
        assert flood.post(drop, b"x") == (507, {"error": "Drop full"})
        assert flood.post(made_up(2), b"x")[0] == 200
        assert [friend.post(drop, body)[0] for body in sent] == [200] * 5
        assert [body for body in get(port, path=drop)[0] if body != b"x"] == sent * 2


def test_after_a_kill(tmp_path: Path) -> None:
    """What is older than the process is one source, which keeps half of what there is."""
    drop = made_up(1)

    def start() -> Twistd:
        return drop_server(tmp_path, LISTEN, "--drop-quota=100", *UNLIMITED)

    with start() as server:
        old = Visitor(server.port("qabel-drop"), "127.2.0.1")
        assert [old.post(drop, b"%d" % number)[0] for number in range(50)] == [200] * 50
        server.kill()
    with start() as server:
        port = server.port("qabel-drop")
        flood = Visitor(port, "127.1.0.1")
        assert {flood.post(drop, b"x")[0] for _ in range(150)} == {200, 507}
        found = get(port, path=drop)[0]
        assert len(found) == 100
        assert found[:50] == [b"%d" % number for number in range(50)]
