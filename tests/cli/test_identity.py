"""``qabel identity``."""

import re
import stat
from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand
from tests.integration.daemons import serving_drops


def test_rename(alice: QabelCommand) -> None:
    """An identity can be renamed."""
    assert alice.json("identity", "rename", "Alice", "Alicia")[0]["alias"] == "Alicia"
    alice.json("identity", "rename", "Alicia", "Alice")


def test_identity_files(alice: QabelCommand, tmp_path: Path) -> None:
    """An identity can be exported, deleted and imported again; others cannot read its file."""
    [made] = alice.json("identity", "new", "Moving")
    file = tmp_path / "moving.qid"
    written = alice("identity", "export", "Moving", str(file))
    assert "keep it secret" in written.out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    alice.json("identity", "delete", "Moving", "--yes")
    [back] = alice.json("identity", "import", str(file))
    assert back["public_key"] == made["public_key"]
    assert alice("identity", "import", str(file)).exit_status == ExitStatus.FAILURE
    alice.json("identity", "delete", "Moving", "--yes")


def test_no_private_key_is_shown(alice: QabelCommand, bob: QabelCommand) -> None:
    """Private keys are shown only on request."""
    private = bob.json("settings", "get", "identities.1.keys.private_key")[0]
    commands = [("identity", "list"), ("identity", "show", "Bob"), ("settings", "get", "--synced"),
                ("identity", "card", "Bob"), ("doctor",)]  # fmt: skip
    for words in commands:
        assert private not in bob(*words).out
    assert private in bob("settings", "get", "--synced", "--secrets").out
    assert re.search(r"\b[0-9a-f]{64}\b", bob("identity", "list").out)


def test_qr_code(alice: QabelCommand, tmp_path: Path) -> None:
    """The QR code is drawn on the terminal, or written to a file."""
    assert "█" in alice("identity", "qr", "Alice").out
    file = tmp_path / "alice.svg"
    assert alice("identity", "qr", "Alice", "-o", str(file)).exit_status == 0
    assert "<svg" in file.read_text()


def test_purge(alice: QabelCommand) -> None:
    """An identity can be deleted for good, after a question, also by the id of a deleted one."""
    [one] = alice.json("identity", "new", "Passing")
    assert alice("identity", "delete", "Passing", "--purge").exit_status != 0
    assert alice.json("identity", "delete", "Passing", "--purge", "--yes") == [
        {"id": one["id"], "purged": True}
    ]
    [two] = alice.json("identity", "new", "Passing")
    assert two["id"] > one["id"]
    number = str(two["id"])
    alice.json("identity", "delete", "Passing", "--yes")
    alice.json("identity", "delete", number, "--purge", "--yes")
    assert (
        alice("identity", "delete", number, "--purge", "--yes").exit_status == ExitStatus.NOT_FOUND
    )
    listed = alice.json("settings", "get", "--synced")[0]["identities"]
    assert [each["alias"] for each in listed].count("Passing") == 0


def test_whether_a_new_drop_is_shared(alice: QabelCommand, tmp_path: Path) -> None:
    """If drops are to be shared, it is said whether the new one is, and otherwise nothing."""

    def said() -> str:
        made = alice("identity", "new", "Sharing")
        assert made.exit_status == 0
        alice.json("identity", "delete", "Sharing", "--yes")
        return made.err

    assert "shared" not in said()
    alice.json("settings", "set", "privacy.shared_drops", "true")
    try:
        assert "Its drop is not shared with others: the drop server at 127.0.0.1:" in said()
        with serving_drops(tmp_path, options=("--drop-id-bits=24",)) as url:
            alice.json("server", "add", url)
            alice.json("server", "prefer", url)
            assert "Its drop is shared with others by chance" in said()
            alice.json("server", "remove", url)
    finally:
        alice.json("settings", "set", "privacy.shared_drops", "false")
