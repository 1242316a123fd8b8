"""What strangers, drop servers and files of others cannot do to a running daemon."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.message import DropMessage, encode
from qabel.drop.transport import seal_message
from tests.integration import bad_servers
from tests.integration.bad_servers import BadServer, Box, Peer
from tests.integration.daemons import Daemon, Pen, eventually

MEBIBYTE = 1 << 20

DAY = 24 * 60 * 60


class Scene:
    """A daemon with a drop, to which a stranger and a contact write."""

    def __init__(self, folder: Path, server: BadServer) -> None:
        self.box = Box()
        self.server = server
        server.behave = self.box.serve
        self.stranger, self.friend = Pen(), Pen()
        self.daemon = Daemon(folder, "me").up()
        self.card = self.daemon.live(server.url)
        self.daemon.knows("friend", self.friend.public, f"{server.url}/{'f' * 43}")

    def receive(self, *messages: bytes) -> list[dict[str, Any]]:
        """Leave messages in the drop, then one of the contact; return all when that has come."""
        last = self.friend.seal(self.card["public_key"], "the last one")
        self.box.put(self.card["drop_urls"][0], *messages, last)
        eventually(lambda: "the last one" in self.daemon.heard())
        found = self.daemon.api.good("GET", "/drop?since=0&limit=10000")
        return [each for each in found if each["sender"] != self.friend.public]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a daemon with a drop on a server that the test controls."""
    with BadServer(bad_servers.hang) as server:
        made = Scene(tmp_path, server)
        with made.daemon:
            yield made


def test_strangers_fill_their_quota_and_no_more(scene: Scene) -> None:
    """What is kept of strangers is the oldest that fits; contacts' messages still come."""
    setting = {"key": "inbox.stranger_quota", "value": 1}
    set_quota = scene.daemon.api.ask("PUT", "/settings", setting)
    key, count = scene.card["public_key"], 900
    kept = scene.receive(
        *(scene.stranger.seal(key, number, padding=1500) for number in range(count))
    )
    size = sum(len(json.dumps(each)) for each in kept)
    assert size < 1.1 * MEBIBYTE, f"{len(kept)} of {count} messages were kept: {size} bytes"
    assert set_quota.status < 300
    assert [each["data"]["msg"] for each in kept] == list(range(len(kept)))
    assert size > 0.9 * MEBIBYTE
    assert scene.daemon.status()["strangers"]["refused"] == count - len(kept)


def test_spoofed_messages_leave_one_line(scene: Scene) -> None:
    """However many messages name another sender, the log says so in one line."""
    to, victim = PublicKey.from_hex(scene.card["public_key"]), PrivateKey.generate().public_key
    spoofed = [
        encode(DropMessage(time_stamp=number, sender=victim, model_object="chat", data=b"{}"))
        for number in range(200)
    ]
    before = len(scene.daemon.process.log)
    assert scene.receive(*(seal_message(scene.stranger.key, to, each) for each in spoofed)) == []
    assert scene.daemon.status()["received"]["spoofed"] == len(spoofed)
    written = scene.daemon.process.log[before:]
    assert written.count("another sender") == 1, f"{len(written)} bytes: {written[:500]}"
    assert len(written) < 2000


@pytest.mark.parametrize(
    "date",
    [
        "1 Jan 1 00:00 +99999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        formatdate(time.time() + 2 * DAY, usegmt=True),
        formatdate(time.time() + DAY / 2, usegmt=True) + f" ({'x' * 1000})",
    ],
    ids=["impossible zone", "far future", "beyond all years", "in two days", "very long"],
)
def test_dates_that_cannot_be(scene: Scene, date: str) -> None:
    """A date that cannot be is passed over: the round goes to its end, and others count."""
    key, now = scene.card["public_key"], formatdate(usegmt=True)
    parts = b"".join(
        bad_servers.part(scene.friend.seal(key, each)).replace(
            f"Date: {bad_servers.DATE}".encode(), f"Date: {each}".encode()
        )
        for each in (date, now)
    )

    def answer(peer: Peer, request: bad_servers.Request) -> None:
        if request.headers.get("x-qabel-new-since") == "1":
            peer.answer("204 No Content")
        else:
            peer.begin_parts("X-Qabel-Latest: 1")
            peer.say(parts, bad_servers.END.removeprefix(b"\r\n"))

    scene.server.behave = answer
    scene.daemon.hears([date, now])
    eventually(
        lambda: scene.server.requests[-1].headers.get("x-qabel-new-since") == "1",
        "the round did not come to its end",
    )
    assert scene.daemon.api.good("GET", "/settings")["drop_last_update"] == now
    assert "Traceback" not in scene.daemon.process.log


def test_private_drops_of_an_identity_file(tmp_path: Path) -> None:
    """Drop URLs on this machine are asked for nothing unless whoever imports the file allows it."""
    with (
        BadServer(bad_servers.fails) as router,
        Daemon(tmp_path, "me").up() as me,
    ):
        key = PrivateKey.generate()
        drop = f"{router.url}/admin/reboot/{'a' * 43}"
        qid = {
            "alias": "Ann",
            "private_key": key.hex,
            "public_key": key.public_key.hex,
            "drop_urls": [drop],
        }
        refused = me.api.ask("POST", "/identities/import", qid)
        assert refused.status == 400
        assert "allow_private" in json.dumps(refused.body)
        assert me.api.good("GET", "/identities") == []
        assert router.requests == []
        allowed = me.api.ask("POST", "/identities/import?allow_private=1", qid)
        assert allowed.status == 201
        eventually(lambda: router.requests)


def test_an_import_is_one_change(scene: Scene) -> None:
    """However many contacts a file has, the document is changed and written once."""
    api, count = scene.daemon.api, 400
    contacts = [
        {
            "alias": f"contact {number}",
            "public_key": PrivateKey.generate().public_key.hex,
            "drop_urls": [f"https://drop.example/{number:043}"],
        }
        for number in range(count)
    ]
    api.good("PUT", "/settings", {"key": "poll_interval", "value": 100})
    before = written(scene.daemon)
    outcomes = api.good("POST", "/contacts/import", {"contacts": contacts})
    assert [each["outcome"] for each in outcomes] == ["added"] * count
    wrote = written(scene.daemon) - before
    api.good("PUT", "/settings", {"key": "poll_interval", "value": 200})
    told = last_changes(scene.daemon, settings=4)
    assert [kind for kind in told if "." not in kind] == ["synced"]
    assert wrote < 20 * len(json.dumps(api.good("GET", "/synced")))
    assert len(api.good("GET", "/contacts")) == count + 1


def written(daemon: Daemon) -> int:
    """Return how many bytes a daemon has written so far."""
    lines = Path(f"/proc/{daemon.process.process.pid}/io").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("wchar")))


def last_changes(daemon: Daemon, settings: int) -> list[str]:
    """Return the kinds of events between the last two changes of the local settings.

    ``settings`` is how often these have been changed so far.
    """
    url = f"http://127.0.0.1:{daemon.process.port('qabel-rest')}/events?since=0"
    request = Request(url, headers={"Authorization": f"Bearer {daemon.api.token}"})
    found: list[str] = []
    with urlopen(request, timeout=10) as stream:  # noqa: S310 - our daemon
        kinds = (line.decode().split()[1] for line in stream if line.startswith(b"event: "))
        while settings:
            kind = next(kinds)
            if kind != "settings":
                found.append(kind)
            else:
                settings -= 1
                found = found if settings == 0 else []
    return found
