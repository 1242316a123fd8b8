"""``qabel requests``: strangers are listed, accepted, ignored and blocked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from qabel.cli import command
from qabel.cli.chat.requests import matching
from qabel.cli.completing import suggestions
from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand, eventually
from tests.integration.daemons import Daemon


@pytest.fixture
def strangers(
    tmp_path: Path, drop_server: str, with_chat: Mapping[str, str]
) -> Iterator[tuple[QabelCommand, QabelCommand]]:
    """Run daemons of Alice, who knows Bob, and of Bob, who does not know her."""
    with (
        Daemon(tmp_path, "Alice", "--module=chat", env=with_chat) as alice,
        Daemon(tmp_path, "Bob", "--module=chat", env=with_chat) as bob,
    ):
        for each in (alice, bob):
            each.up()
        alice.live(drop_server)
        alice.api.good("POST", "/contacts/import", {"contacts": [bob.live(drop_server)]})
        yield QabelCommand(alice.directory), QabelCommand(bob.directory)


def test_from_the_first_message_to_an_answer(
    strangers: tuple[QabelCommand, QabelCommand],
) -> None:
    """A request is ignored and listed so, accepted by its id, and the two can talk then."""
    alice, bob = strangers
    assert "No requests" in bob("requests").err
    assert alice("chat", "Bob", stdin=b"Hello\n").exit_status == 0
    [request] = eventually(lambda: bob.json("requests"), "no request")
    line = bob("requests").out.splitlines()[1]
    assert line.startswith(f"{request['id'][:8]}  Alice")
    assert line.endswith("Hello")
    offered = suggestions(
        command, ["--data-dir", str(bob.directory), "requests", "accept"], request["id"][:2]
    )
    assert [(each.word, each.meaning) for each in offered] == [(request["id"], "from Alice")]
    assert bob("requests", "ignore", "alice").out == "Ignored Alice.\n"
    assert bob.json("requests", "list") == []
    assert [each["id"] for each in bob.json("requests", "--ignored")] == [request["id"]]
    result = bob("requests", "accept", request["id"][:8], "--alias", "Alice A.")
    assert "Added Alice A. (id 1)." in result.out
    assert "contact verify id:1" in result.err
    assert bob("requests", "accept", request["id"]).exit_status == ExitStatus.NOT_FOUND
    assert "Alice A." in bob("chat").out
    assert bob("chat", "Alice A.", stdin=b"Hi\n").exit_status == 0


def test_blocking(strangers: tuple[QabelCommand, QabelCommand]) -> None:
    """Who is blocked is in no list of requests any more, and in that of the blocked."""
    alice, bob = strangers
    alice("chat", "Bob", stdin=b"Hello\n")
    [request] = eventually(lambda: bob.json("requests"), "no request")
    assert bob("requests", "block", request["public_key"]).out == "Blocked Alice.\n"
    assert bob.json("requests") == []
    assert [each["public_key"] for each in bob.json("contact", "blocked")] == [
        request["public_key"]
    ]


def request(number: str, alias: str | None, key: str = "aa") -> dict[str, Any]:
    """Return a request with what it is found by."""
    return {"id": number * 8, "alias": alias, "public_key": key * 32}


EVERY = [request("abcd", "Bob"), request("abce", "bob ", "bb"), request("face", "abcd", "cc")]


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ("abcd", ["abcd"]),
        ("abc", []),
        ("ABCE", ["abce"]),
        ("BOB", ["abcd", "abce"]),
        ("cc" * 32, ["face"]),
        ("nobody", []),
    ],
)
def test_who_is_meant(ref: str, found: list[str]) -> None:
    """An id or its beginning goes before a key, and that before a name that a sender claims."""
    assert [each["id"][:4] for each in matching(EVERY, ref)] == found
