"""``qabel contact``."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from qabel.cli.errors import ExitStatus
from qabel.crypto import PrivateKey
from tests.cli.conftest import QabelCommand


def test_contact_files(alice: QabelCommand, tmp_path: Path) -> None:
    """Contacts are exported to files and imported from them; an existing file is kept."""
    file = tmp_path / "bob.qco"
    assert alice("contact", "export", "Bob", str(file)).exit_status == 0
    assert "bob.qco already exists" in alice("contact", "export", "Bob", str(file)).err
    assert alice("contact", "export", "Bob", str(file), "--force").exit_status == 0
    assert json.loads(file.read_text())["contacts"][0]["alias"] == "Bob"
    assert "same" in alice("contact", "import", str(file)).out
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []


def test_contact_text(alice: QabelCommand, bob: QabelCommand) -> None:
    """The text of a QR code can be imported too."""
    [code] = bob.json("identity", "qr", "Bob")
    [outcome] = alice.json("contact", "import", "-", stdin=code["text"].encode())
    assert outcome["outcome"] == "same"


def test_refused_contact(alice: QabelCommand) -> None:
    """A contact that cannot be imported is reported, and makes the command fail."""
    own = alice("identity", "card", "Alice").out
    result = alice("contact", "import", "-", stdin=own.encode())
    assert result.exit_status == ExitStatus.FAILURE
    assert "refused" in result.out
    assert "Of 1 contact, 1 refused: 1 (Alice)" in result.err
    assert alice("contact", "import", "-", stdin=b"rubbish").exit_status == ExitStatus.FAILURE
    assert alice("contact", "import", "/nonexistent").exit_status == ExitStatus.NOT_FOUND


def test_contact_text_of_a_qr_reader(
    alice: QabelCommand, bob: QabelCommand, tmp_path: Path
) -> None:
    """What a QR reader prints can be imported, with its label and line feed, and within a mail."""
    if (reader := shutil.which("zbarimg")) is None:
        pytest.skip("zbarimg is not installed")
    file = tmp_path / "bob.png"
    assert bob("identity", "qr", "Bob", "-o", str(file)).exit_status == 0
    text = subprocess.run([reader, "-q", file], capture_output=True, check=True).stdout
    assert text.startswith(b"QR-Code:QABELCONTACT\n")
    for document in (text, b"Hi,\r\n\r\n> " + text.replace(b"\n", b"\r\n> ") + b"Bye"):
        [outcome] = alice.json("contact", "import", "-", stdin=document)
        assert (outcome["alias"], outcome["outcome"]) == ("Bob", "same")


def test_many_entries(alice: QabelCommand) -> None:
    """Of 2,000 entries, those that are refused are named, and importing them again is the same."""
    alice.json("identity", "new", "Many")
    own = json.loads(alice("identity", "card", "Many").out)["contacts"][0]
    cards: list[object] = [
        {**own, "alias": f"C{number}", "public_key": f"{number:062x}01"}
        for number in range(1000, 3000)
    ]
    cards[7], cards[1999] = {"alias": "Eve"}, own
    document = json.dumps({"contacts": cards}).encode()
    for outcome in ("added", "same"):
        result = alice("contact", "import", "-", "-i", "Many", stdin=document)
        assert f"2000 contacts: 1998 {outcome}, 2 refused" in result.err
        assert "2 refused: 8 (Eve), 2000 (Many)" in result.err
    alice.json("identity", "delete", "Many", "--purge", "--yes")


def test_an_import_that_differs(alice: QabelCommand) -> None:
    """Other drop URLs of a known contact are shown, fail the command, and need --replace."""
    card = json.loads(alice("contact", "export", "Bob").out)
    [before] = alice.json("contact", "show", "Bob")
    other = "http://mallory.example/" + "M" * 43
    card["contacts"][0].update(alias="whatever", drop_urls=[other])
    data = json.dumps(card).encode()
    result = alice("contact", "import", "-", stdin=data)
    assert result.exit_status == ExitStatus.FAILURE
    assert "differs" in result.out
    assert "you call it Bob" in result.out
    assert "the file http://mallory.example" in result.out
    assert "M" * 43 not in result.out + result.err
    assert "Of 1 contact, 1 differ and were not changed" in result.err
    assert alice.json("contact", "show", "Bob") == [before]
    result = alice("contact", "import", "-", "--replace", stdin=data)
    assert (result.exit_status, "replaced" in result.out) == (ExitStatus.OK, True)
    [after] = alice.json("contact", "show", "Bob")
    assert (after["alias"], after["drop_urls"]) == ("Bob", [other])
    card["contacts"][0]["drop_urls"] = before["drop_urls"]
    alice("contact", "import", "-", "--replace", stdin=json.dumps(card).encode())


def test_another_key_under_a_known_name(alice: QabelCommand) -> None:
    """Who is added under the name of another contact is pointed out, by each way to add."""
    [bob] = alice.json("contact", "show", "Bob")
    url = "http://drop.example/" + "M" * 43
    keys = [PrivateKey.generate().public_key.hex for _ in range(2)]
    card = {"alias": "bob", "public_key": keys[0], "drop_urls": [url]}
    imported = alice("contact", "import", "-", stdin=json.dumps(card).encode())
    added = alice("contact", "add", "Bob ", keys[1], url)
    for result in (imported, added):
        assert f"another key than your contact of the same name, id {bob['id']}" in result.err
    for key in keys:
        assert alice("contact", "delete", key, "--yes").exit_status == 0


def test_verify(alice: QabelCommand, bob: QabelCommand) -> None:
    """Both sides see the same text, and a contact that is marked is shown so until it is undone."""
    seen = alice("contact", "verify", "Bob", "--yes").out.splitlines()
    assert seen[-1] == "Bob is verified."
    assert bob("contact", "verify", "Alice", "--yes").out.splitlines()[:2] == seen[:2]
    assert "yes" in alice("contact", "list").out
    assert alice("contact", "verify", "Bob", "--undo").out == "Bob is not verified.\n"
    assert alice("contact", "verify", "Bob").exit_status == ExitStatus.USAGE
    [shown] = alice.json("contact", "show", "Bob")
    assert shown["verified"] == 0


def test_rename(alice: QabelCommand) -> None:
    """A contact can be renamed."""
    assert alice("contact", "rename", "Bob", "Robert").out == "Renamed Bob to Robert.\n"
    alice.json("contact", "rename", "Robert", "Bob")
