"""Damage to a copy of a daemon's data, and its rescue with ``qabel salvage``."""

import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from attrs import frozen
from sqlcipher3 import dbapi2 as sqlcipher

from tests.integration.processes import ROOT

DATABASE = "qabel.db"
PAGE = 4096


@frozen
class Rescue:
    """What became of a damaged copy."""

    status: int
    lost: int
    """Messages that are not in the rescued database."""
    violation: str
    """What is wrong with it; empty if nothing is."""


def salvage(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``qabel salvage``."""
    return subprocess.run(
        [sys.executable, "-m", "qabel.cli", "salvage", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


Salvage = Callable[..., "subprocess.CompletedProcess[str]"]


def can_salvage() -> bool:
    """Return whether there is such a command."""
    return salvage("--help").returncode == 0


def open_database(directory: Path) -> "sqlcipher.Connection":
    """Open the database of a daemon that does not run."""
    key = (directory / "database-key").read_text().splitlines()[0]
    connection = sqlcipher.connect(directory / DATABASE)
    connection.execute("PRAGMA cipher_log_level = NONE")
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    return connection


def find_damage(directory: Path) -> str:
    """Return what is wrong with the database of a daemon that does not run, or nothing."""
    try:
        with closing(open_database(directory)) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchall()
    except sqlcipher.DatabaseError as error:
        return str(error)
    return "" if found == [("ok",)] else str(found[:3])


def damage_and_rescue(old: Path, new: Path, seed: int, command: Salvage = salvage) -> Rescue:
    """Overwrite some bytes of a page of a database, rescue it, and compare.

    Args:
        old: the data directory, a copy; it is damaged.
        new: the directory to create.
        seed: where the damage is.
        command: runs ``qabel salvage`` with options.

    """
    dice = random.Random(seed)  # noqa: S311
    before = _message_ids(old)
    path = old / DATABASE
    page = dice.randrange(1, path.stat().st_size // PAGE)
    with path.open("r+b") as file:
        file.seek(page * PAGE + dice.randrange(PAGE - 100))
        file.write(dice.randbytes(16))
    done = command("--data-dir", str(old), "--to", str(new))
    said = f"page {page}: status {done.returncode}: {(done.stdout + done.stderr)[-500:]}"
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        return Rescue(done.returncode, 0, f"salvage failed, {said}")
    if not (new / DATABASE).exists():
        return Rescue(done.returncode, 0, f"nothing was rescued, {said}")
    if damage := find_damage(new):
        return Rescue(done.returncode, 0, f"the rescued database is damaged: {damage}, {said}")
    lost = len(before - _message_ids(new))
    if done.returncode == 0 and lost:
        return Rescue(0, lost, f"{lost} messages were lost in silence, {said}")
    return Rescue(done.returncode, lost, "")


def _message_ids(directory: Path) -> set[int]:
    with closing(open_database(directory)) as connection:
        # So that the damage does not hit a page of which the log has a newer copy.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return {row[0] for row in connection.execute("SELECT id FROM messages")}
