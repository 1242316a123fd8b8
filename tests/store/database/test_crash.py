"""A process that is killed while it writes loses nothing that it reported as done."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from qabel.store.database.database import Database
from qabel.store.inbox.repository import InboxRepository
from qabel.store.inbox.seen import Drop
from qabel.store.journal.cursors import CursorRepository
from qabel.store.key_record import GivenKey
from tests.store.database.damage import damage

ROUNDS = 6
REPORTS = 40

SCRIPT = """
import sys
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from qabel.store.database.database import Database
from qabel.store.inbox.seen import Drop, ReadDone
from qabel.store.inbox.repository import InboxRepository
from qabel.store.key_record import GivenKey
from qabel.store.inbox.message_rows import NewMessage

drop = Drop("http://localhost/drop", "me")

def message(i):
    return NewMessage(hash=i.to_bytes(16, "big"), version=1, time_stamp=i, acknowledge_id="0",
        sender=bytes(32), receiver=bytes(32), model_object="m", data=b'{"n":%d}' % i, received=i,
        identity_id=1, contact_id=None)

async def write():
    database = Database(Path(sys.argv[1]), GivenKey(bytes(range(32))))
    await database.open()
    inbox = InboxRepository(database)
    await inbox.start_reading(drop)
    i = int(sys.argv[2])
    while True:
        i += 3
        new = [message(i), message(i + 1), message(i + 2)]
        await inbox.keep(drop, new, foreign=[b"f" * 8 + i.to_bytes(8, "big")],
            done=ReadDone(str(i), False), now=1.0)
        print(i, flush=True)

reactor.callWhenRunning(lambda: Deferred.fromCoroutine(write()).addErrback(print))
reactor.run()
"""


def test_what_was_reported_is_there_after_a_kill(
    path: Path, key: bytes, here: Any, got: Any
) -> None:
    """However often it is killed, each reported batch is complete, and no batch is partial."""
    last = 0
    for round_ in range(ROUNDS):
        reports = REPORTS + 7 * round_
        command = [sys.executable, "-c", SCRIPT, str(path), str(last)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last = int(line)
                reports -= 1
                if not reports:
                    os.kill(process.pid, signal.SIGKILL)
                    break
        database = Database(path, GivenKey(key), worker=here)
        got(database.open())
        assert got(database.run(damage)) == []
        state = got(InboxRepository(database).start_reading(Drop("http://localhost/drop", "me")))
        page = got(InboxRepository(database).read_page(0, 100_000))
        stamps = {each["time_stamp"] for each in json.loads(page.body)}
        assert got(CursorRepository(database).load()).messages == len(stamps)
        got(database.close())
        assert state.cursor is not None
        kept = int(state.cursor)
        assert kept >= last
        assert {kept, kept + 1, kept + 2} <= stamps
        assert max(stamps) == kept + 2
        last = kept
