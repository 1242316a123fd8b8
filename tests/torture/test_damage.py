"""The damage of the torture: what a rescue leaves out in silence is found."""

import shutil
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.torture.damage import Rescue, damage_and_rescue, find_damage, open_database


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Return a data directory with a thousand messages."""
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "database-key").write_text("ab" * 32 + "\n")
    with closing(open_database(whole)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body BLOB)")
        numbers = ((number,) for number in range(1000))
        connection.executemany("INSERT INTO messages VALUES (?, randomblob(1000))", numbers)
        connection.commit()
    return whole


def rescue(whole: Path, status: int, *statements: str) -> Rescue:
    """Damage a copy, and judge a command that rescues all but for what the statements do."""
    old, new = whole.with_name(f"old-{status}"), whole.with_name(f"new-{status}")

    def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
        assert arguments == ("--data-dir", str(old), "--to", str(new))
        assert find_damage(old)
        if statements:
            shutil.copytree(whole, new)
            with closing(open_database(new)) as connection:
                for statement in statements:
                    connection.execute(statement)
                connection.commit()
        return subprocess.CompletedProcess([], status, "said", "")

    shutil.copytree(whole, old)
    return damage_and_rescue(old, new, 1, command)


DELETE = "DELETE FROM messages WHERE id < 3"


def test_a_good_rescue(whole: Path) -> None:
    """Nothing is wrong if all was rescued, or what was not is admitted with status 1."""
    found = rescue(whole, 0, "SELECT 1")
    assert (found.status, found.lost, found.violation) == (0, 0, "")
    found = rescue(whole, 1, DELETE)
    assert (found.status, found.lost, found.violation) == (1, 3, "")


def test_a_bad_rescue_is_found(whole: Path) -> None:
    """A loss with status 0, a failure, and a missing database are violations."""
    assert "3 messages were lost in silence" in rescue(whole, 0, DELETE).violation
    assert "nothing was rescued" in rescue(whole, 1).violation
    assert "salvage failed" in rescue(whole, 70, "SELECT 1").violation
