"""Change a database's key, and be killed at every step of it. Run as a program by the tests.

Each change runs in a fork, which kills itself right after its nth step that a disk would notice.
Then the database must open with what the old or the new place holds, and the change, done again,
must go through. Prints, kind by kind, how many steps there were.
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.keys.key_file import KeyFile
from qabel.keys.passphrase import Passphrase, Strength
from qabel.keys.rekeying import change_key
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.file_names import DATABASE, SEALED_KEY
from qabel.store.key_record import KeySource
from tests.store.database.damage import damage

QUICK = Strength(1, 8192)
ROWS = 60
STEPS = ("open", "replace", "unlink", "fsync")


def key_file(directory: Path) -> KeySource:
    """Return the source that is a file."""
    return KeyFile(directory / "database-key")


def passphrase(text: bytes, directory: Path) -> KeySource:
    """Return the source that is a passphrase."""
    return Passphrase(directory / SEALED_KEY, text, strength=QUICK)


FIRST = partial(passphrase, b"the first passphrase")
SECOND = partial(passphrase, b"the second passphrase")

Place = Callable[[Path], KeySource]

KINDS: dict[str, tuple[Place, Place, set[str]]] = {
    "file-to-file": (key_file, key_file, {"database-key"}),
    "file-to-passphrase": (key_file, FIRST, {SEALED_KEY}),
    "passphrase-to-file": (FIRST, key_file, {"database-key"}),
    "passphrase-to-passphrase": (FIRST, SECOND, {SEALED_KEY}),
    "one-passphrase": (FIRST, FIRST, {SEALED_KEY}),
}


def fill(directory: Path, source: KeySource) -> None:
    """Create a database with some rows in it."""
    directory.mkdir(mode=0o700, parents=True)
    database = Database(directory / DATABASE, source, worker=InlineWorker)
    result_of(database.open())

    def work(connection: Any) -> None:
        for i in range(ROWS):
            connection.execute("INSERT INTO documents VALUES (?, ?)", (f"{i}", b"x" * 900))

    result_of(database.run(work))
    result_of(database.close())


def is_whole(directory: Path, source: KeySource) -> bool:
    """Return whether a source opens the database, which must be complete if it opens."""
    database = Database(directory / DATABASE, source, worker=InlineWorker)
    try:
        result_of(database.open())
    except StoreError:
        return False
    sql = "SELECT count(*) FROM documents"
    assert result_of(database.run(lambda c: c.execute(sql).fetchone()[0])) == ROWS
    assert result_of(database.run(damage)) == []
    result_of(database.close())
    return True


def die_after(steps: int) -> None:
    """Make this process kill itself after so many steps."""
    left = [steps]

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            done = function(*given, **named)
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return call

    for name in STEPS:
        setattr(os, name, deadly(getattr(os, name)))


def killed_at(step: int, directory: Path, old: Place, new: Place) -> bool:
    """Change the key in a fork that dies after a step; return whether it got that far."""
    child = os.fork()
    if child == 0:
        die_after(step)
        change_key(directory, old(directory), new(directory))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status == signal.SIGKILL


def torture(root: Path, kind: str) -> int:
    """Kill a change at each of its steps in turn; return how many there were."""
    old, new, left = KINDS[kind]
    fill(root / "template", old(root / "template"))
    step = 0
    while True:
        directory = root / str(step)
        shutil.copytree(root / "template", directory)
        before = old(directory).read().current
        if not killed_at(step, directory, old, new):
            return step
        copy = root / f"{step}-copy"
        shutil.copytree(directory, copy)
        opened = [place for place in (old, new) if is_whole(copy, place(copy))]
        assert opened, f"{kind}: killed after step {step}, nothing opens it"
        change_key(directory, old(directory), new(directory))
        assert is_whole(directory, new(directory)), f"{kind}: not whole after step {step}"
        record = new(directory).read()
        assert record.following is None
        assert before in record.earlier
        names = {each.name for each in directory.iterdir()}
        assert names == {DATABASE, "lock", *left}, f"{kind}: {names} after step {step}"
        if old is not new:
            assert not is_whole(directory, old(directory))
        shutil.rmtree(copy)
        shutil.rmtree(directory)
        step += 1


def endless(directory: Path, kind: str) -> None:
    """Change the key back and forth until this process is killed."""
    old, new, _ = KINDS[kind]
    print("ready", flush=True)
    while True:
        change_key(directory, old(directory), new(directory))
        old, new = new, old


if __name__ == "__main__":
    if sys.argv[1] == "endless":
        endless(Path(sys.argv[2]), sys.argv[3])
    for each in KINDS:
        print(each, torture(Path(sys.argv[1]) / each, each), flush=True)
