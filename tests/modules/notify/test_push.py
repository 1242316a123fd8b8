"""A push service that a real daemon calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.integration.daemons import Daemon, eventually
from tests.modules.notify.test_daemon import MODULES, conversation, say, unread
from tests.modules.packages import installed


@contextmanager
def ntfy() -> Iterator[tuple[str, list[Any]]]:
    """Play ntfy: the body of a POST to a topic is the text of a notice. Return URL and calls."""
    calls: list[Any] = []

    class Topic(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            calls.append((self.path, self.rfile.read(size).decode(), dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Topic) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/topic", calls
        server.shutdown()
        thread.join()


def test_a_push_service(tmp_path: Path) -> None:
    """It is called for what is worth a notice, without a desktop, and learns nothing else."""
    env = {**installed(tmp_path), "DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""}
    options = (*MODULES, "--drop-server=tcp:0:interface=127.0.0.1")
    with ntfy() as (url, calls), Daemon(tmp_path, "me", *options, env=env) as me:
        me.up()
        me.api.good("PUT", "/settings", {"key": "poll_interval", "value": 0.1})
        made = [me.api.good("POST", "/identities", {"alias": each}) for each in ("Alice", "Bob")]
        for mine, other in (made, made[::-1]):
            card = me.api.good("GET", f"/identities/{other['id']}/contact")
            me.api.good("POST", f"/contacts/import?identity={mine['id']}", card)
        hook = me.api.good("POST", "/webhooks", {"url": url, "preset": "ntfy"})
        assert (hook["preset"], hook["kinds"]) == ("ntfy", ["notify.new"])
        say(me, "a secret text")
        eventually(lambda: calls, "not called")
        [(path, body, headers)] = calls
        assert (path, body, headers["Title"]) == ("/topic", "New message", "Qabel")
        told = str(headers).lower()
        for secret in ("qabel-", "alice", "bob", "secret", conversation(me)["id"]):
            assert secret not in told
        number = conversation(me)["id"]
        me.api.good("PATCH", f"/chat/conversations/{number}", {"muted": True})
        say(me, "another")
        unread(me, 2)
        me.api.good("PATCH", f"/chat/conversations/{number}", {"muted": False})
        say(me, "and another")
        eventually(lambda: len(calls) == 2, "not called")
        eventually(lambda: me.api.good("GET", "/webhooks")[0]["last_success"], "no success")
        assert me.api.ask("POST", "/webhooks", {"url": url, "preset": "sms"}).status == 400
