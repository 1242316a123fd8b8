"""Much work at once: none of it is given away to other processes, or made to wait for the rest."""

import os
from pathlib import Path

from tests.integration.bad_servers import BadServer, Box
from tests.integration.daemons import Daemon, Pen

COUNT = 3000


def test_a_large_drop_is_read_by_the_daemon_alone(tmp_path: Path) -> None:
    """Thousands of messages for others start no process, and no thread is less urgent than others.

    Whatever has to give way on a busy machine has everybody wait who waits for it.
    """
    box, bob = Box(), Pen()
    processes: set[str] = set()
    urgency: set[tuple[int, int]] = set()
    with BadServer(box.serve) as server, Daemon(tmp_path, "alice").up() as alice:
        contact = alice.live(server.url)
        url, key = contact["drop_urls"][0], contact["public_key"]
        foreign = bob.seal(Pen().public, "for somebody else")
        box.put(url, *(foreign[:-8] + number.to_bytes(8) for number in range(COUNT)))
        box.put(url, bob.seal(key, "after"))
        tasks = Path(f"/proc/{alice.process.process.pid}/task")
        while alice.heard() != ["after"]:
            for each in map(int, os.listdir(tasks)):
                processes |= set((tasks / str(each) / "children").read_text().split())
                urgency.add((os.getpriority(os.PRIO_PROCESS, each), os.sched_getscheduler(each)))
        assert processes == set()
        own = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getscheduler(0)
        assert urgency == {own}
