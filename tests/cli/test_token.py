"""``qabel token``."""

import json

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import CommandResult, Daemons, QabelCommand, call


def test_tokens(alice: QabelCommand, daemons: Daemons) -> None:
    """A token is shown once, allows what its scopes say, and no longer works once revoked."""
    url = f"http://127.0.0.1:{daemons.alice.port('qabel-rest')}"
    made = alice("token", "new", "monitor", "--scope", "status")
    value = made.out.strip()
    listed = next(each for each in alice.json("token") if each["name"] == "monitor")
    assert value not in json.dumps(listed)

    def ask(token: str, *words: str) -> CommandResult:
        file = alice.directory / "test-token"
        file.write_text(token)
        return call("--url", url, "--token-file", str(file), *words)

    assert ask(value, "status").exit_status == 0
    assert ask(value, "inbox").exit_status == ExitStatus.FAILURE
    alice.json("token", "revoke", str(listed["id"]), "--yes")
    assert ask(value, "status").exit_status == ExitStatus.FAILURE
    assert ask(alice("token", "show").out.strip(), "inbox").exit_status == 0
    assert alice("--url", url, "status").exit_status == 0


def test_replaced_token(bob: QabelCommand) -> None:
    """The main token can be replaced."""
    before = bob("token", "show").out
    bob.json("token", "replace", "--yes")
    assert bob("token", "show").out != before


def test_sender_token(alice: QabelCommand, daemons: Daemons) -> None:
    """A token with the scope send is enough for sending, by alias too."""
    url = f"http://127.0.0.1:{daemons.alice.port('qabel-rest')}"
    [token] = alice.json("token", "new", "bot", "--scope", "send", "--identity", "Alice")
    file = alice.directory / "bot-token"
    file.write_text(token["token"])
    result = call("--url", url, "--token-file", str(file), "send", "Bob", "from a bot")
    assert result.exit_status == 0, result.err
