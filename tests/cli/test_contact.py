"""``qabel contact``."""

import json
from pathlib import Path

from qabel.cli.errors import ExitStatus
from tests.cli.conftest import QabelCommand


def test_contact_files(alice: QabelCommand, tmp_path: Path) -> None:
    """Contacts are exported to files and imported from them; an existing file is kept."""
    file = tmp_path / "bob.qco"
    assert alice("contact", "export", "Bob", str(file)).exit_status == 0
    assert "bob.qco already exists" in alice("contact", "export", "Bob", str(file)).err
    assert alice("contact", "export", "Bob", str(file), "--force").exit_status == 0
    assert json.loads(file.read_text())["contacts"][0]["alias"] == "Bob"
    assert "unchanged" in alice("contact", "import", str(file)).out
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []


def test_contact_text(alice: QabelCommand, bob: QabelCommand) -> None:
    """The text of a QR code can be imported too."""
    [code] = bob.json("identity", "qr", "Bob")
    [outcome] = alice.json("contact", "import", "-", stdin=code["text"].encode())
    assert outcome["outcome"] == "unchanged"


def test_refused_contact(alice: QabelCommand) -> None:
    """A contact that cannot be imported is reported, and makes the command fail."""
    own = alice("identity", "card", "Alice").out
    result = alice("contact", "import", "-", stdin=own.encode())
    assert result.exit_status == ExitStatus.FAILURE
    assert "refused" in result.out
    assert alice("contact", "import", "-", stdin=b"rubbish").exit_status == ExitStatus.FAILURE
    assert alice("contact", "import", "/nonexistent").exit_status == ExitStatus.NOT_FOUND


def test_rename(alice: QabelCommand) -> None:
    """A contact can be renamed."""
    assert alice("contact", "rename", "Bob", "Robert").out == "Renamed Bob to Robert.\n"
    alice.json("contact", "rename", "Robert", "Bob")
