"""Drops that people share because their server asks for it, with real daemons and a real server."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from qabel.crypto import PrivateKey
from qabel.drop.url import DropURL
from tests.integration.daemons import Daemon, Pen, eventually, serving_drops
from tests.integration.test_daemon import introduce

SHARED = {"key": "privacy.shared_drops", "value": True}


@pytest.fixture
def drops(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a drop server on which 65,536 drops are shared."""
    with serving_drops(tmp_path, options=("--drop-id-bits=16",)) as url:
        yield url


def share(daemon: Daemon) -> Daemon:
    """Have the new drops of a daemon be shared."""
    daemon.api.good("PUT", "/settings", SHARED)
    return daemon


def drop_of(daemon: Daemon, number: int = 0) -> DropURL:
    """Return the drop of an identity."""
    [url] = daemon.api.good("GET", "/identities")[number]["drops"]
    return DropURL.parse(url)


def post(drop: DropURL, body: bytes) -> int:
    """Post a message as somebody who has guessed the URL; return the status."""
    connection = HTTPConnection(drop.host, timeout=20)
    connection.request("POST", f"/{drop.drop_id}", body, {"Authorization": "Client Qabel"})
    return connection.getresponse().status


def test_people_whose_drops_are_shared_write_to_each_other(tmp_path: Path, drops: str) -> None:
    """Two who follow the server, and one who does not, hear all that is for them, and only that."""
    names = "Alice", "Bob", "Carol"
    alice, bob, carol = (Daemon(tmp_path, name, push=name == "Bob") for name in names)
    with alice.up(), bob.up(), carol.up():
        introduce(share(alice), share(bob), drops)
        carol.live(drops)
        assert [drop_of(each).is_shared for each in (alice, bob, carol)] == [True, True, False]
        assert drop_of(alice).drop_id[3:] == "A" * 40
        for each in (alice, bob):
            assert each.api.say(f"from {each.name}").status == 201
        bob.hears(["from Alice"])
        alice.hears(["from Bob"])
        # A stranger, who shares the drop of Bob by chance, gets messages there, too.
        stranger = PrivateKey.generate().public_key.hex
        for number in range(300):
            assert post(drop_of(bob), Pen().seal(stranger, number)) == 200
        assert alice.api.say("still here").status == 201
        bob.hears(["from Alice", "still here"])
        eventually(lambda: bob.status()["received"]["passed_over"] == 300)
        assert bob.status()["troubles"] == []
        bob.process.kill()
        bob.again()
        assert alice.api.say("and after a start").status == 201
        bob.hears(["from Alice", "still here", "and after a start"])


def test_a_drop_that_strangers_fill(tmp_path: Path) -> None:
    """The sender is told that the drop is full, and sends once there is room."""
    with serving_drops(tmp_path, options=("--drop-id-bits=12", "--drop-quota=5")) as url:
        alice, bob = (Daemon(tmp_path, name) for name in ("Alice", "Bob"))
        with alice.up(), bob.up():
            introduce(share(alice), share(bob), url)
            for number in range(5):
                assert post(drop_of(bob), b"%d" % number) == 200
            sent = alice.api.say("hello")
            assert sent.status == 202
            assert "Strangers may have filled the drop" in json.dumps(sent.body), sent


@pytest.mark.parametrize("options", [(), ("--drop-id-bits=256",)], ids=["by-default", "as-it-says"])
def test_a_server_that_does_not_ask_for_it(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Drops have 256 bits, whatever the setting."""
    with serving_drops(tmp_path, options=options) as url, Daemon(tmp_path, "Alice").up() as alice:
        share(alice).live(url)
        assert not drop_of(alice).is_shared


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """The identity is created at once, and the log says why its drop is not shared."""
    with Daemon(tmp_path, "Alice").up() as alice:
        share(alice).live("http://127.0.0.1:1")
        assert not drop_of(alice).is_shared
        said: Any = alice.process.log
        assert "A new drop is not shared, although privacy.shared_drops is on" in said
