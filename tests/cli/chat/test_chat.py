"""``qabel chat`` lists conversations; for one of them, see the tests of the two views."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.chat.conftest import ANYWHERE, Talkers
from tests.cli.chat.terminals import Terminal
from tests.cli.conftest import QabelCommand, one_line
from tests.integration.daemons import Daemon, eventually


def test_the_list(talkers: Talkers) -> None:
    """It has the name, the number of unread messages, the time and the last message."""
    assert "No conversations" in talkers.qabel("chat").err
    talkers.qabel("chat", "Bob", stdin=b"Hello\x1b[2J\nHow are you?\n")
    eventually(lambda: talkers.other_qabel.json("chat"), "no message")

    def both() -> bool:
        return bool(talkers.other_qabel.json("chat")[0]["unread"] == 2)

    eventually(both, "no second message")
    titles, line = talkers.other_qabel("chat").out.splitlines()
    assert titles.split() == ["ALIAS", "UNREAD", "WHEN", "LAST", "MESSAGE"]
    assert line.split()[:2] == ["Alice", "2"]
    assert line.endswith("How are you?")
    assert talkers.qabel("chat").out.splitlines()[1].endswith("You: How are you?")
    with Terminal(talkers.bob.directory, "chat", columns=40) as narrow:
        assert narrow.ended() == 0
        assert "Alice  2       20" in narrow.text
        assert "…" in narrow.lines[1]
        assert narrow.lines[2] == ""


def test_archived_conversations(talkers: Talkers) -> None:
    """They are listed if one asks for them; a note says how many there are."""
    [found] = talkers.qabel.json("chat")
    talkers.alice.api.good("PATCH", f"/chat/conversations/{found['id']}", {"archived": True})
    result = talkers.qabel("chat")
    assert "1 archived conversation. To list them: --archived" in result.err
    assert result.out == ""
    assert [each["id"] for each in talkers.qabel.json("chat", "--archived")] == [found["id"]]
    talkers.alice.api.good("PATCH", f"/chat/conversations/{found['id']}", {"archived": False})


def test_usage(talkers: Talkers) -> None:
    """A contact and notes exclude each other."""
    result = talkers.qabel("chat", "Bob", "--notes")
    assert result.exit_status == ExitStatus.USAGE
    assert one_line(result) == "qabel: Pass either CONTACT or --notes, not both."


def test_without_the_module(tmp_path: Path, with_chat: Mapping[str, str]) -> None:
    """The commands say that chat does not run, and how to start the daemon with it."""
    options = f"--drop-server={ANYWHERE}", "--no-module=chat"
    with Daemon(tmp_path, "me", *options, env=with_chat) as me:
        me.up()
        me.api.good("POST", "/identities", {"alias": "Alice"})
        me.knows("Bob", "42" * 32, f"http://127.0.0.1:9/{'a' * 43}")
        for words in (["chat"], ["chat", "Bob"], ["requests"], ["search", "x"]):
            result = QabelCommand(me.directory)(*words)
            assert result.exit_status == ExitStatus.FAILURE
            assert "qabel: The module chat does not run in the daemon. Start" in one_line(result)
            assert result.err.endswith(" --module chat\n")


def test_the_list_starts_without_what_only_the_live_view_needs() -> None:
    """Importing that takes longer than all else."""
    code = "import sys, qabel.cli.chat.chat; sys.exit('prompt_toolkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
