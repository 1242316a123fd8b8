"""Make the database of this directory with the program that wrote the first version.

Run it in a checkout of commit ef343ce, the last one before the second version, with its packages::

    PYTHONPATH=. python …/tests/store/database/first_version/make.py OUTPUT

It runs real daemons and a real drop server, and writes ``qabel.db``, its key (hex digits) as
``qabel.key``, and ``facts.json``: what clients of that program got last.
"""

import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.integration.daemons import Daemon, Pen, eventually
from tests.integration.processes import Twistd


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def main(output: Path) -> None:
    """Make the files."""
    folder = Path(tempfile.mkdtemp())
    drops = ["qabel-drop", f"--data-dir={folder / 'drops'}", "--listen=tcp:0:interface=127.0.0.1"]
    with (
        Twistd(folder / "drops.log", *drops) as drop_server,
        Daemon(folder, "me") as me,
        Daemon(folder, "friend") as friend,
    ):
        server = f"http://127.0.0.1:{drop_server.port('qabel-drop')}"
        me.up()
        friend.up()
        facts = work(me, friend, server)
        me.stop()
    output.mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "me" / "qabel.db", output / "qabel.db")
    shutil.copy(folder / "me" / "database-key", output / "qabel.key")
    (output / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
    shutil.rmtree(folder)


def work(me: Daemon, friend: Daemon, server: str) -> dict[str, Any]:
    """Use a daemon as its users do, and return what they saw last."""
    api = me.api
    friend_card = friend.live(server)
    my_card = me.live(server)
    me.knows("Friend", friend_card["public_key"], *friend_card["drop_urls"])
    friend.knows("me", my_card["public_key"], *my_card["drop_urls"])
    nowhere = f"http://127.0.0.1:{closed_port()}/{'n' * 43}"
    me.knows("Unreachable", Pen().public, nowhere)
    api.good("POST", "/webhooks", {"url": f"http://127.0.0.1:{closed_port()}/hook"})
    for text in ("sent", "acknowledged"):
        more = {"acknowledge_id": "auto"} if text == "acknowledged" else {}
        assert friend.api.say(f"from friend, {text}", **more).status == 201
        body = message(1, text, **more)
        assert api.ask("POST", "/drop", body, {"Idempotency-Key": text}).status == 201
    assert api.good("POST", "/drop", message(2, "queued"))["recipients"]
    stranger = Pen()
    push(my_card["drop_urls"][0], stranger.seal(my_card["public_key"], "from a stranger"))
    eventually(lambda: len(me.heard()) == 3)
    eventually(lambda: '"acknowledged": 1' in json.dumps(api.good("GET", "/outbox")))
    first = api.ask("GET", "/drop?consumer=reader&limit=1")
    cursor = first.headers["x-qabel-latest"]
    tokens = {
        name: api.good("POST", "/tokens", {"name": name, **more})
        for name, more in {
            "limited": {"scopes": ["read", "send"], "identity": 1},
            "settings": {"scopes": ["settings"]},
            "reading": {"scopes": ["read"]},
        }.items()
    }
    # An identity that is deleted, one that is removed, and a deleted message and send.
    gone = api.good("POST", "/identities", {"alias": "Deleted"})
    api.good("DELETE", f"/identities/{gone['id']}")
    removed = api.good("POST", "/identities", {"alias": "Removed"})
    token = {"name": "of removed", "scopes": ["read"], "identity": removed["id"]}
    api.good("POST", "/tokens", token)
    identities = api.good("GET", "/synced")["identities"]
    api.good("PUT", "/synced", {"key": "identities", "value": identities[:-1]})
    api.good("DELETE", f"/drop/{api.good('GET', '/drop?since=0')[1]['id']}")
    doomed = message(1, "deleted")
    sent = api.ask("POST", "/drop", doomed, {"Idempotency-Key": "deleted"}).body
    api.good("DELETE", f"/outbox/{sent['id']}")
    return {
        "identities": api.good("GET", "/identities"),
        "contacts": api.good("GET", "/contacts"),
        "synced": api.good("GET", "/synced"),
        "messages": api.good("GET", "/drop?since=0"),
        "outbox": api.good("GET", "/outbox"),
        "cursor": cursor,
        "tokens": {name: each["token"] for name, each in tokens.items()},
        "request": message(1, "sent"),
        "webhooks": len(api.good("GET", "/webhooks")),
        "status": api.good("GET", "/status")["inbox"],
    }


def message(contact: int, text: str, **more: Any) -> dict[str, Any]:
    """Return the body of a request that sends a message."""
    content = {"model_object": "chat", "data": {"msg": text}, **more}
    return {"sender": 1, "recipients": [contact], "drop_message": content}


def push(url: str, sealed: bytes) -> None:
    """Post a message to a drop."""
    headers = {"Authorization": "Client Qabel", "Content-Type": "application/octet-stream"}
    urlopen(Request(url, sealed, headers)).close()  # noqa: S310 - its own server


if __name__ == "__main__":
    main(Path(sys.argv[1]))
