"""A daemon that is killed while a module deals with many messages: each is there once."""

import random
import time
from pathlib import Path

from tests.integration.daemons import Daemon, eventually
from tests.integration.full_inbox import FIRST, fill
from tests.integration.processes import ROOT

COUNT = 20_000


def test_each_message_is_there_once(site: Path, tmp_path: Path) -> None:
    """However often it is killed, all messages are kept, none twice, and nothing is set aside."""
    env = {"PYTHONPATH": f"{site}:{ROOT}"}
    with Daemon(tmp_path, "me") as first:
        first.up().stop()
    fill(tmp_path / "me", COUNT, "note", '{"text":"x"}')
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
        assert found == list(range(FIRST, FIRST + COUNT))
        assert me.api.good("GET", "/modules/notes")["set_aside"] == 0
