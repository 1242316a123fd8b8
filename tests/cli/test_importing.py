"""Several files with contacts are imported at once, each by itself."""

import json
from pathlib import Path

from qabel.cli.errors import ExitStatus
from qabel.crypto import PrivateKey
from tests.cli.conftest import QabelCommand


def card(alias: str) -> bytes:
    """Return a contact file."""
    contact = {
        "alias": alias,
        "public_key": PrivateKey.generate().public_key.hex,
        "drop_urls": [f"https://drop.example.org/{'f' * 43}"],
    }
    return json.dumps({"contacts": [contact]}).encode()


def test_several_files(alice: QabelCommand, tmp_path: Path) -> None:
    """Files and standard input are imported in one call, and each outcome names its file."""
    one, two = tmp_path / "one.qco", tmp_path / "two.qco"
    one.write_bytes(card("One"))
    two.write_bytes(card("Two"))
    found = alice.json("contact", "import", str(one), str(two), "-", stdin=card("Three"))
    assert [(each["file"], each["alias"], each["outcome"]) for each in found] == [
        (str(one), "One", "added"),
        (str(two), "Two", "added"),
        ("-", "Three", "added"),
    ]
    shown = alice("contact", "import", str(one), str(two))
    assert "one.qco" in shown.out
    assert shown.exit_status == 0


def test_a_bad_file_among_good_ones(alice: QabelCommand, tmp_path: Path) -> None:
    """What cannot be imported is named with its reason, and the rest is imported."""
    good, bad, gone = (tmp_path / name for name in ("good.qco", "bad.qco", "gone.qco"))
    good.write_bytes(card("Good"))
    bad.write_bytes(b"rubbish")
    names = [str(each) for each in (gone, bad, good)]
    result = alice("contact", "import", *names)
    assert result.exit_status == ExitStatus.FAILURE
    assert "added" in result.out
    assert f"No such file: {gone}" in result.err
    assert f"2 files not imported: {gone}, {bad}" in result.err
    values = alice("--json", "contact", "import", *names).values
    assert [each["outcome"] for each in values] == ["same", "failed", "failed"]
