"""What is deleted cannot be read from the data directory of a running daemon, even with its key."""

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.integration.daemons import Daemon, Pen, eventually, serving_drops
from tests.store.database.attacker import find

IN_TIME = 30.0
"""Seconds: the documentation says 5, and a machine that runs other tests meanwhile needs longer."""

NOWHERE = "http://127.0.0.1:9/n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a drop server."""
    with serving_drops(tmp_path) as url:
        yield url


@pytest.fixture
def me(tmp_path: Path, server: str) -> Iterator[Daemon]:
    """Return a daemon that has received and sent messages, and has tokens and a webhook."""
    with Daemon(tmp_path, "me") as daemon:
        daemon.up()
        card = daemon.live(server)
        pen = Pen()
        daemon.knows("CONTACT-ALIAS", pen.public, f"{server}/{'C' * 43}")
        daemon.api.good("POST", "/webhooks", {"url": f"{NOWHERE}/WEBHOOK-URL"})
        body = {"name": "TOKEN-NAME", "scopes": ["read"], "identity": 1}
        daemon.api.good("POST", "/tokens", body)
        for number in range(30):
            daemon.api.say(f"SAID-{number}-" * 30, acknowledge_id="auto")
            sealed = pen.seal(card["public_key"], f"HEARD-{number}-" * (number + 1))
            post(card["drop_urls"][0], sealed)
        eventually(lambda: len(daemon.heard()) == 30)
        yield daemon


def post(url: str, sealed: bytes) -> None:
    """Post a message to a drop."""
    request = Request(url, sealed, {"Authorization": "Client Qabel"})  # noqa: S310 - our server
    urlopen(request).close()  # noqa: S310 - our server


def key_of(daemon: Daemon) -> bytes:
    """Return the key of the database."""
    return bytes.fromhex((daemon.directory / "database-key").read_text().strip())


def copy_if_there(source: str, target: str) -> None:
    """Copy a file; those of a log go when the daemon opens its database anew."""
    with suppress(FileNotFoundError):
        shutil.copyfile(source, target)


def traces(daemon: Daemon, pattern: re.Pattern[bytes], copy: Path) -> set[bytes]:
    """Return what an attacker finds who copies the data directory while the daemon runs."""
    shutil.rmtree(copy, ignore_errors=True)
    skipped = shutil.ignore_patterns("*.sock", "lock", "database-key")
    shutil.copytree(daemon.directory, copy, ignore=skipped, copy_function=copy_if_there)
    return find(copy, key_of(daemon), pattern)


def gone(daemon: Daemon, pattern: re.Pattern[bytes], copy: Path) -> None:
    """Wait until an attacker finds nothing."""
    eventually(
        lambda: not traces(daemon, pattern, copy),
        lambda: f"there is still {traces(daemon, pattern, copy)}",
        IN_TIME,
    )


def delete_each(api: Any) -> None:
    """Delete all messages, sends, tokens and webhooks, one by one."""
    for each in api.good("GET", "/drop?since=0"):
        api.good("DELETE", f"/drop/{each['id']}")
    for kind in ("outbox", "tokens", "webhooks"):
        for each in api.good("GET", f"/{kind}"):
            api.good("DELETE", f"/{kind}/{each['id']}")


SINGLE = re.compile(rb"SAID-|HEARD-|TOKEN-NAME|WEBHOOK-URL")


@pytest.mark.parametrize("is_killed", [False, True], ids=["running", "killed"])
def test_single_things(me: Daemon, tmp_path: Path, is_killed: bool) -> None:
    """What was deleted one by one is gone in time, also if the daemon is killed right after."""
    copy = tmp_path / "copy"
    assert len(traces(me, SINGLE, copy)) == 4
    delete_each(me.api)
    if is_killed:
        me.process.kill()
        me.again()
    gone(me, SINGLE, copy)


@pytest.mark.parametrize("is_killed", [False, True], ids=["running", "killed"])
def test_a_purged_identity(me: Daemon, tmp_path: Path, is_killed: bool) -> None:
    """A purge leaves nothing of an identity, its messages, contacts, tokens and drops."""
    [identity] = me.api.good("GET", "/synced")["identities"]
    private, public = identity["keys"]["private_key"], identity["keys"]["public_key"]
    words = [
        bytes.fromhex(private),
        private.encode(),
        bytes.fromhex(public),
        public.encode(),
        identity["drops"][0].encode(),
        b"C" * 43,
        *(b"CONTACT-ALIAS", b"SAID-", b"HEARD-", b"TOKEN-NAME"),
    ]
    pattern = re.compile(b"|".join(map(re.escape, words)))
    copy = tmp_path / "copy"
    assert len(traces(me, pattern, copy)) >= len(words) - 1
    me.api.good("DELETE", "/identities/1?purge=1")
    if is_killed:
        me.process.kill()
        me.again()
    gone(me, pattern, copy)
    assert me.api.good("GET", "/synced")["identities"] == []
    assert me.api.good("POST", "/identities", {"alias": "New"})["id"] == 2
