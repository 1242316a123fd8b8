"""The values that a running daemon has for the shell."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from qabel.cli import command
from qabel.cli.completers import COMPLETERS, KEY_PLACES, completer_of
from qabel.cli.completing import suggestions
from tests.cli.conftest import QabelCommand, arrived, drop_of
from tests.cli.prepared_server import json_response, prepared_server, problem_response


def offered(whose: QabelCommand, *words: str) -> dict[str, str]:
    """Return what is offered for the last word, with the meanings."""
    before = ["--data-dir", str(whose.directory), *words[:-1]]
    return {each.word: each.meaning for each in suggestions(command, before, words[-1])}


def named(directory: Path, typed: str) -> list[str]:
    """Return the contacts that are offered from the daemon in a directory."""
    words = ["--data-dir", str(directory), "contact", "show"]
    return [each.word for each in suggestions(command, words, typed)]


def parameters(group: click.Group, name: str = "") -> Iterator[tuple[str, click.Parameter]]:
    """Yield all parameters with the name of their group."""
    for each in group.commands.values():
        if isinstance(each, click.Group):
            yield from parameters(each, each.name or "")
        else:
            yield from ((name or each.name or "", parameter) for parameter in each.params)


def test_people(alice: QabelCommand) -> None:
    """Aliases are offered; ids once they are begun; names like ids with ``name:``."""
    [twin] = alice.json("contact", "add", "007", "43" * 32, drop_of(alice), "-i", "Alice")
    assert {"Bob", "name:007"} <= offered(alice, "send", "").keys()
    assert offered(alice, "send", "b") == {"Bob": ""}
    assert offered(alice, "inbox", "--from", "B") == {"Bob": ""}
    assert offered(alice, "send", "name:b") == {"name:Bob": ""}
    assert offered(alice, "send", f"id:{twin['id']}")[f"id:{twin['id']}"] == "007"
    assert offered(alice, "send", str(twin["id"]))[str(twin["id"])] == "007"
    assert "Alice" in offered(alice, "identity", "show", "")
    alice.json("contact", "delete", str(twin["id"]), "--yes")


@pytest.mark.parametrize(
    ("aliases", "typed", "expected"),
    [
        (["Zoe", "Bob", "Anna"], "", ["Anna", "Bob", "Zoe"]),
        (["Bob", "Bob"], "B", ["Bob"]),
        (["Bob", "bert", "Anna"], "B", ["Bob", "bert"]),
        (["STRASSE"], "straß", ["STRASSE"]),
        (["Bob\nrm", "Bob\x1b[2J", "Bob B"], "Bob", ["Bob B"]),
        (["id:5", "5", "name:x", " "], "", ["name:5", "name:id:5", "name:name:x"]),
        (["Bob"], "ob", []),
    ],
)
def test_aliases(tmp_path: Path, aliases: Sequence[str], typed: str, expected: list[str]) -> None:
    """Aliases that begin with the word are offered in order, once, and only printable ones."""
    people = [{"id": number, "alias": each} for number, each in enumerate(aliases)]
    with prepared_server(tmp_path / "rest.sock", lambda _: json_response(people)) as server:
        assert named(tmp_path, typed) == expected
    assert server.targets == ["/contacts"]


def test_nothing_to_offer(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a daemon, or without permission, nothing is offered and no error is printed."""
    assert named(tmp_path, "B") == []
    with prepared_server(tmp_path / "rest.sock", lambda _: problem_response(403)):
        assert named(tmp_path, "B") == []
    assert capfd.readouterr() == ("", "")


def test_messages(alice: QabelCommand, bob: QabelCommand) -> None:
    """Ids of messages are offered with their senders, and not with what they say."""
    [sent] = alice.json("send", "Bob", "a secret")
    received = arrived(bob, "a secret")
    found = offered(bob, "inbox", "show", "")
    assert found[str(received["id"])].startswith("from Alice, ")
    assert str(received["id"]) in offered(bob, "contact", "accept", "")
    assert str(sent["id"]) in offered(alice, "outbox", "delete", "")
    assert "secret" not in str(found)


def test_tokens_and_servers(alice: QabelCommand) -> None:
    """Tokens are offered by id, with their names, and servers by URL."""
    [made] = alice.json("token", "new", "my bot", "--scope", "read")
    found = offered(alice, "token", "revoke", "")
    assert found[str(made["id"])] == "my bot"
    assert made["token"] not in str(found)
    alice.json("token", "revoke", str(made["id"]), "--yes")
    [server] = alice.json("server")
    assert server["url"] in offered(alice, "server", "prefer", "")
    assert offered(alice, "server", "prefer", str(server["id"])) == {
        str(server["id"]): server["url"]
    }


def test_settings(alice: QabelCommand) -> None:
    """Keys are offered, and the values of those that have few, but no secrets."""
    keys = offered(alice, "settings", "set", "")
    assert {"poll_interval", "privacy.introduce", "identities"} <= keys.keys()
    [identity] = alice.json("identity", "show", "Alice")
    private = f"identities.{identity['id']}.keys.private_key"
    assert private in offered(alice, "settings", "get", "identities.")
    assert "contacts" in offered(alice, "settings", "get", "--synced", "")
    assert offered(alice, "settings", "set", private, "") == {}
    values = offered(alice, "settings", "set", "privacy.introduce", "")
    assert values == {"auto": "the value now", "always": "", "never": ""}
    assert offered(alice, "settings", "set", "poll_interval", "") == {"0.5": "the value now"}
    assert offered(alice, "settings", "set", "privacy.proxy", "") == {"null": "the value now"}
    values = offered(alice, "settings", "set", "privacy.shared_drops", "")
    assert values == {"false": "the value now", "true": ""}
    assert offered(alice, "settings", "set", "none", "") == {}


def test_places_of_keys(alice: QabelCommand) -> None:
    """The places are offered, and then files; an idempotency key is the user's own."""
    assert offered(alice, "key", "change", "--key", "") == KEY_PLACES
    assert [each.kind for each in suggestions(command, ["doctor", "--key"], "file:/x")] == ["file"]
    assert offered(alice, "send", "Bob", "x", "--idempotency-key", "") == {}


@pytest.mark.parametrize("name", COMPLETERS)
def test_each_completer_is_used(name: str) -> None:
    """Each name in the table is that of a value of some command."""
    used = {
        (group, (each.metavar or each.name or "").upper().strip("[]."))
        for group, each in [*parameters(command), *(("", each) for each in command.params)]
        if completer_of(group, each) is COMPLETERS[name]
    }
    assert used
