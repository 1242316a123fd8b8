"""What the commands of the drop server have in common."""

from pathlib import Path

import pytest

from qabel.dropserver.command_line import DROP, count


def test_the_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It comes from the option, or the environment."""
    parser = DROP.parser("qabel-drop x", "")
    monkeypatch.setenv("QABEL_DROP_DATA_DIR", str(tmp_path))
    assert DROP.directory(parser.parse_args([]).data_dir) == tmp_path
    assert DROP.directory(parser.parse_args(["--data-dir=/x"]).data_dir) == Path("/x")


def test_numbers() -> None:
    """One is singular, and many have commas."""
    assert [count(number, "drop") for number in (0, 1, 2000)] == [
        "0 drops",
        "1 drop",
        "2,000 drops",
    ]
