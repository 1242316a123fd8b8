"""A drop server for a closed group, with real processes."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.daemons import DRAWN, Daemon, eventually
from tests.integration.processes import Twistd
from tests.integration.test_dropserver import LISTEN, A, ask, drop_server

TOKEN, NEXT = "correct-horse-battery", "Zm9vYmFyYmF6cXV4/+=="


def as_member(port: int, token: str, method: str = "GET", body: bytes | None = None) -> int:
    """Make a request with a token, and give the status."""
    return ask(port, method, {"Authorization": f"Client {token}"}, body)[0].status


def token_file(folder: Path, *tokens: str) -> Path:
    """Write the file of a group."""
    path = folder / "group-token"
    path.touch(0o600)
    path.write_text("\n".join(tokens) + "\n")
    return path


def test_the_token_is_changed(tmp_path: Path) -> None:
    """The server reads the file again on SIGHUP, and says so without the token."""
    file = token_file(tmp_path, TOKEN)
    with drop_server(tmp_path, LISTEN, f"--group-token-file={file}") as server:
        port = server.port("qabel-drop")
        assert as_member(port, TOKEN, "POST", b"hello") == 200
        assert [as_member(port, each) for each in (TOKEN, NEXT, "Qabel")] == [200, 401, 401]
        for tokens, statuses, what in (
            ((NEXT, TOKEN), [200, 200], "a new group token is accepted"),
            (("short",), [200, 200], "The group token is not changed"),
            ((NEXT,), [401, 200], "an earlier one is not accepted any more"),
        ):
            token_file(tmp_path, *tokens)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(what)
            assert [as_member(port, each) for each in (TOKEN, NEXT)] == statuses
        assert ask(port, "GET", path="/")[0].status == 200
        server.stop()
        for secret in (TOKEN, NEXT, A[1:], "Client"):
            assert secret not in server.log + server.errors


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Twistd]:
    """Run the drop server of a group."""
    option = f"--group-token-file={token_file(tmp_path, TOKEN)}"
    with drop_server(tmp_path, LISTEN, option) as server:
        yield server


@pytest.fixture
def people(tmp_path: Path, group: Twistd) -> Iterator[tuple[Daemon, Daemon]]:
    """Run the daemons of two members, who know each other, and have no token yet."""
    url = f"http://127.0.0.1:{group.port('qabel-drop')}"
    with (
        Daemon(tmp_path, "alice", push=True) as alice,
        Daemon(tmp_path, "bob", push=True) as bob,
    ):
        cards = [each.up().api.meet(each.name, url) for each in (alice, bob)]
        for each, card in ((alice, cards[1]), (bob, cards[0])):
            each.api.good("PUT", "/settings", {"key": "poll_interval", "value": 1})
            each.api.good("POST", "/contacts/import", card)
        yield alice, bob


def use(token: str, *people: Daemon) -> None:
    """Set the token of the only drop server."""
    for each in people:
        [server] = each.api.good("GET", "/servers")
        changed = each.api.good("PATCH", f"/servers/{server['id']}", {"auth": token})
        assert changed["has_auth"] is bool(token)


def reasons(who: Daemon) -> list[str]:
    """Return the states of all that was sent, and why each is so."""
    sends = who.api.good("GET", "/outbox")
    return [f"{to['state']}: {to['reason']}" for each in sends for to in each["recipients"]]


def acknowledged(who: Daemon) -> bool:
    """Return whether all that was sent has been acknowledged."""
    sends = who.api.good("GET", "/outbox")
    return all(to["acknowledged"] for each in sends for to in each["recipients"])


def is_waiting(who: Daemon, why: str) -> bool:
    """Return whether all that was sent waits, and why, as the outbox and the status say."""
    found = reasons(who)
    is_said = bool(found) and all(each.startswith("queued: ") and why in each for each in found)
    return is_said and why in who.troubles()


def listens(who: Daemon) -> bool:
    """Return whether push works."""
    return [each["push"] for each in who.status()["drop_servers"]] == ["listening"]


def test_members(group: Twistd, people: tuple[Daemon, Daemon], tmp_path: Path) -> None:
    """What is rejected waits and says why; with the right token, all of it is delivered."""
    alice, bob = people
    assert alice.api.say("one", acknowledge_id="auto").status == 202
    eventually(lambda: is_waiting(alice, "asks for its token"), lambda: str(reasons(alice)))
    use("not-the-right-one", alice)
    why = "does not accept the group token"
    eventually(lambda: is_waiting(alice, why), lambda: str(reasons(alice)), DRAWN)
    use(TOKEN, alice, bob)
    eventually(lambda: bob.heard() == ["one"], lambda: str(bob.heard()), DRAWN)
    eventually(lambda: acknowledged(alice), lambda: str(reasons(alice)), DRAWN)
    for each in people:
        eventually(lambda each=each: listens(each), lambda each=each: str(each.status()))
        assert each.health().status == 200

    token_file(tmp_path, NEXT)
    group.process.send_signal(signal.SIGHUP)
    group.wait_for("not accepted any more")
    for each in people:
        eventually(lambda each=each: why in each.troubles(), lambda each=each: each.troubles())
        eventually(lambda each=each: not listens(each))
    assert alice.api.say("two").status == 202
    use(NEXT, alice, bob)
    eventually(lambda: bob.heard() == ["one", "two"], lambda: str(bob.heard()), DRAWN)
    for each in people:
        eventually(lambda each=each: listens(each), lambda each=each: str(each.status()), DRAWN)
        assert each.status()["troubles"] == [
            trouble for trouble in each.status()["troubles"] if "not encrypted" in trouble
        ]
    for process in (group, alice.process, bob.process):
        said = process.log + process.errors
        assert not any(secret in said for secret in (TOKEN, NEXT, "not-the-right-one"))


def test_a_server_that_is_for_everybody_again(
    group: Twistd, people: tuple[Daemon, Daemon], tmp_path: Path
) -> None:
    """A message with a token that the server does not want is kept until the token is removed."""
    alice, bob = people
    use(TOKEN, alice, bob)
    eventually(lambda: listens(bob), "push", DRAWN)
    group.stop()
    again = f"--listen=tcp:{group.port('qabel-drop')}:interface=127.0.0.1"
    with drop_server(tmp_path, again) as server:
        server.port("qabel-drop")
        alice.api.say("one")
        why = "rejects messages with a group token (status 400)"
        eventually(lambda: is_waiting(alice, why), lambda: str(reasons(alice)), DRAWN)
        use("", alice, bob)
        eventually(lambda: bob.heard() == ["one"], lambda: str(bob.heard()), DRAWN)


def test_servers_of_one_host(group: Twistd, tmp_path: Path) -> None:
    """A daemon sends the token to the server that it is for, and not to others on that host."""
    with drop_server(tmp_path, LISTEN, data="everybody") as other, Daemon(tmp_path, "me") as me:
        urls = [f"http://127.0.0.1:{each.port('qabel-drop')}" for each in (group, other)]
        me.up()
        body = {"url": urls[0], "auth": "not-the-right-one"}
        for test, found in (
            ({"url": urls[0]}, "closed-group"),
            (body, "closed-group"),
            ({**body, "auth": TOKEN}, "drop-server"),
            ({"url": urls[1]}, "drop-server"),
        ):
            tested = me.api.good("POST", "/servers/test", test)
            assert (tested["found"], tested["ok"]) == (found, found == "drop-server")
        for url, auth in zip(urls, (TOKEN, ""), strict=True):
            me.api.good("POST", "/servers", {"url": url, "auth": auth})
            assert me.api.good("POST", "/servers/test", {"url": url})["ok"]
