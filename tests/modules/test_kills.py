"""A daemon that is killed while a module deals with many messages: each is there once."""

import random
import time
from pathlib import Path

from sqlcipher3 import dbapi2 as sqlcipher

from qabel.keys.key_file import KeyFile
from tests.integration.daemons import Daemon, eventually
from tests.integration.processes import ROOT

COUNT = 20_000

INSERT = (
    "INSERT INTO messages (id, version, time_stamp, acknowledge_id, sender, receiver, "
    "model_object, data, received, identity_id) "
    "VALUES (?, 1, ?, '0', ?, ?, 'note', '{\"text\":\"x\"}', ?, 1)"
)


def fill(directory: Path, count: int) -> None:
    """Put messages into the inbox of a daemon that does not run."""
    key = KeyFile(directory / "database-key").read().current
    connection = sqlcipher.connect(directory / "qabel.db", isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    connection.execute("BEGIN")
    rows = ((n, n, bytes(32), bytes(32), n) for n in range(1001, 1001 + count))
    connection.executemany(INSERT, rows)
    connection.execute("UPDATE state SET last_seq = ?", (1000 + count,))
    connection.execute("COMMIT")
    connection.close()


def test_each_message_is_there_once(site: Path, tmp_path: Path) -> None:
    """However often it is killed, all messages are kept, none twice, and nothing is set aside."""
    env = {"PYTHONPATH": f"{site}:{ROOT}"}
    with Daemon(tmp_path, "me") as first:
        first.up().stop()
    fill(tmp_path / "me", COUNT)
    draw = random.Random(1)  # noqa: S311 - moments of kills
    for _ in range(6):
        with Daemon(tmp_path, "me", "--module=notes", env=env) as me:
            me.up()
            time.sleep(draw.uniform(0, 0.5))
            me.process.kill()
    with Daemon(tmp_path, "me", "--module=notes", env=env) as me:
        me.up()
        eventually(lambda: me.api.good("GET", "/modules/notes")["state"] == "running", "building")
        found = [each["id"] for each in me.api.good("GET", "/notes")]
        assert found == list(range(1001, 1001 + COUNT))
        assert me.api.good("GET", "/modules/notes")["set_aside"] == 0
