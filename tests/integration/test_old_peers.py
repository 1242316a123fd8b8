"""Peers and servers as they are in the field: the Java clients, and servers that lack something."""

import time
from pathlib import Path
from typing import Any

from qabel.crypto import PrivateKey
from tests.integration.bad_servers import BadServer, Box, Peer, Request
from tests.integration.daemons import Daemon, Pen, eventually

BOB_DROP = "/" + "b" * 43
MORE = {"email": "ann@example.com", "phone": "+49 30 1234"}


def test_files_of_java_clients_come_back_whole(tmp_path: Path) -> None:
    """Prefixes, email and phone of a ``.qid`` and a ``.qco`` are in the exports again."""
    with BadServer(Box().serve) as server, Daemon(tmp_path, "alice").up() as alice:
        alice.live(server.url)
        key, drop = PrivateKey.generate(), f"{server.url}/{'a' * 43}"
        public = {"public_key": key.public_key.hex, "drop_urls": [drop], "alias": "Ann", **MORE}
        qid = {**public, "private_key": key.hex, "prefixes": ["2a1d1c0b", "second"]}
        made = alice.api.good("POST", "/identities/import", qid)
        exported = alice.api.good("GET", f"/identities/{made['id']}/export")
        assert {name: exported.get(name) for name in qid} == qid
        qco = {**public, "public_key": Pen().public, "alias": "Eve"}
        [added] = alice.api.good("POST", "/contacts/import?identity=1", {"contacts": [qco]})
        [exported] = alice.api.good("GET", f"/contacts/{added['id']}/export")["contacts"]
        assert {name: exported.get(name) for name in qco} == qco


def test_a_message_that_was_sealed_for_each_drop(tmp_path: Path) -> None:
    """The client of 2015 seals a message anew for each drop of its recipient: it is one message."""
    box, bob = Box(), Pen()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        alice.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
        drops = [f"{server.url}/{letter * 43}" for letter in "xy"]
        server_item = {"url": server.url, "auth": "", "active": True}
        alice.api.good("PUT", "/synced", {"key": "drop_servers", "value": [server_item]})
        identity = alice.api.good("POST", "/identities", {"alias": "alice", "drops": drops})
        key = identity["public_key"]
        alice.knows("bob", bob.public, f"{server.url}{BOB_DROP}")

        def hears(*texts: str, **more: Any) -> None:
            for drop in drops:
                box.put(drop, bob.seal(key, texts[-1], **more))
            box.put(drops[0], bob.seal(key, f"after {texts[-1]}"))
            box.put(drops[1], bob.seal(key, f"after {texts[-1]}, too"))
            ends = [f"after {texts[-1]}", f"after {texts[-1]}, too"]
            eventually(lambda: set(ends) <= set(alice.heard()))
            assert sorted(each for each in alice.heard() if each in texts) == sorted(texts)

        hears("hello")
        alice.api.good("PUT", "/settings", {"key": "privacy.acknowledge_delay", "value": 0})
        hears("hello", "please", acknowledge_id="7")
        eventually(lambda: box.drops[BOB_DROP])
        alice.api.say("the last")
        eventually(lambda: len(box.drops[BOB_DROP]) >= 2)
        opened = [bob.open(each) for each in box.drops[BOB_DROP]]
        assert [each.model_object for each in opened] == ["drop", "chat"]


def test_a_contact_on_a_server_that_is_not_the_own(tmp_path: Path) -> None:
    """A message for a local http server that is not among the own ones says why it waits."""
    with (
        BadServer(Box().serve) as home,
        BadServer(Box().serve) as other,
        Daemon(tmp_path, "alice").up() as alice,
    ):
        alice.live(home.url)
        alice.knows("bob", Pen().public, f"{other.url}{BOB_DROP}")
        for text in ("one", "two"):
            reply = alice.api.say(text)
            [outcome] = reply.body["recipients"]
            assert (reply.status, outcome["state"]) == (202, "queued")
            assert outcome["reason"], text
        [first, second] = alice.api.good("GET", "/outbox")
        for each in (first, second):
            assert other.url.removeprefix("http://") in each["recipients"][0]["reason"]
        assert other.requests == []


def test_a_drop_where_nothing_expires(tmp_path: Path) -> None:
    """Full readings that never find anything become seldom, and the status says when one is due."""
    box, bob, full = Box(), Pen(), list[float]()

    def serve(peer: Peer, request: Request) -> None:
        if request.method == "GET" and "x-qabel-new-since" not in request.headers:
            full.append(time.monotonic())
        box.serve(peer, request)

    interval = 0.1
    with (
        BadServer(serve) as server,
        Daemon(tmp_path, "alice", f"--full-read-interval={interval}").up() as alice,
    ):
        contact = alice.live(server.url, 0.05)
        box.put(contact["drop_urls"][0], *(bob.seal(contact["public_key"], n) for n in range(20)))
        alice.hears(list(range(20)))
        # At an interval for each there would be 25.
        first, ends = len(full), time.monotonic() + 25 * interval
        eventually(lambda: time.monotonic() > ends)
        assert len(full) - first < 13
        reading = alice.status()["drop_servers"][0]["full_reading"]
        assert reading["due"] - reading["last"] > 2000 * interval
        assert alice.troubles() == ""


def test_a_server_without_push(tmp_path: Path) -> None:
    """One line of the log says that a server has no push, and what that means for the interval."""
    with BadServer(Box().serve) as server, Daemon(tmp_path, "alice", push=True).up() as alice:
        alice.live(server.url)
        found = alice.process.wait_for(rf"{server.url} does not offer push.* every \S+ \w+", 5)[0]
        assert alice.status()["drop_servers"][0]["push"] == "not offered"
        assert alice.troubles() == ""
        assert alice.process.log.count(found) == 1
