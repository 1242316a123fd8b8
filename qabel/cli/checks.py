"""Checks of what lies on this machine: the data directory, the files in it, the clock."""

import os
import shutil
import stat
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path

from attrs import frozen

from qabel.cli.paths import DATABASE, KEY, SOCKET, TOKEN
from qabel.cli.units import duration, size

LITTLE_SPACE = 100 * 1024 * 1024
"""Bytes that should be free."""

LONGEST_SOCKET_PATH = 107
"""Bytes in the path of a Unix socket."""

TOLERANCE = 120.0
"""Seconds that two clocks may differ."""

LONG_AGO = 1_577_836_800
"""The beginning of 2020, in seconds since the epoch: a clock before that was never set."""


class State(StrEnum):
    """What came out of a check."""

    GOOD = "ok"
    DOUBTFUL = "warning"
    BAD = "failed"


@frozen
class Check:
    """One check: what was looked at, what came out, and what the user can do."""

    name: str
    state: State
    detail: str
    hint: str = ""


def check_directory(path: Path, *, daemon_runs: bool) -> Iterator[Check]:
    """Check the data directory, and what must be in it."""
    try:
        status = path.stat()
    except FileNotFoundError:
        hint = "the daemon makes it when it is first started; or give --data-dir"
        yield Check("directory", State.BAD, f"{path} does not exist", hint)
        return
    except OSError as error:
        detail = f"{path} cannot be looked at: {error.strerror}"
        yield Check("directory", State.BAD, detail, "it must belong to you")
        return
    problem = _directory_problem(path, status)
    yield problem or Check("directory", State.GOOD, f"{path} is yours alone")
    yield from _space(path)
    if problem is None:
        yield _key(path, daemon_runs=daemon_runs)
        yield _secret_file("token", path / TOKEN, "the daemon makes it when it is first started")


def _directory_problem(path: Path, status: os.stat_result) -> Check | None:
    if not stat.S_ISDIR(status.st_mode):
        return Check("directory", State.BAD, f"{path} is no directory", "give --data-dir")
    if status.st_uid != os.geteuid():
        return Check("directory", State.BAD, f"{path} belongs to another user", f"chown {path}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        detail = f"{path} is open to other users"
        return Check("directory", State.BAD, detail, f"chmod 700 {path}")
    if len(os.fsencode(path / SOCKET)) > LONGEST_SOCKET_PATH:
        detail = f"{path} is too long a path for a socket in it"
        return Check("directory", State.BAD, detail, "choose a shorter one with --data-dir")
    return None


def _space(path: Path) -> Iterator[Check]:
    try:
        free = shutil.disk_usage(path).free
    except OSError:
        return
    if free < LITTLE_SPACE:
        state = State.BAD if free < LITTLE_SPACE // 10 else State.DOUBTFUL
        hint = "make room: messages that come in are kept there"
        yield Check("disk", state, f"only {size(free)} are free", hint)


def _key(path: Path, *, daemon_runs: bool) -> Check:
    """Check the key's file, if that is where the key is. It is not read."""
    key = path / KEY
    if key.exists():
        return _secret_file("key", key, "")
    if daemon_runs:
        return Check("key", State.GOOD, "is kept elsewhere, and opens the database")
    if not (path / DATABASE).exists():
        return Check("key", State.GOOD, "is made when the daemon is first started")
    detail = f"{key} is missing, and without a key the database is lost"
    hint = "put your copy of it back, unless the key is kept elsewhere"
    return Check("key", State.DOUBTFUL, detail, hint)


def _secret_file(name: str, path: Path, hint: str) -> Check:
    try:
        status = path.stat()
    except OSError as error:
        return Check(name, State.DOUBTFUL, f"{path}: {error.strerror}", hint)
    if status.st_uid != os.geteuid():
        return Check(name, State.BAD, f"{path} belongs to another user", f"chown {path}")
    if stat.S_IMODE(status.st_mode) & 0o077:
        detail = f"{path} is open to other users"
        return Check(name, State.BAD, detail, f"chmod 600 {path}; others may have read it already")
    return Check(name, State.GOOD, f"{path} is yours alone")


def check_clock(now: float, daemon_date: str | None, newest_drop: str | None) -> Check:
    """Check this machine's clock by what the daemon's, and the drop servers', has said.

    Args:
        now: seconds since the epoch.
        daemon_date: the Date header of the daemon's answer.
        newest_drop: the time at which the newest message arrived, by its drop server's clock.

    """
    hint = "set it, and have it kept right: timedatectl set-ntp true"
    if now < LONG_AGO:
        return Check("clock", State.BAD, "this machine's clock was never set", hint)
    arrived = _seconds(newest_drop)
    if arrived is not None and arrived - now > TOLERANCE:
        late = duration(arrived - now)
        detail = f"a drop server's clock is {late} ahead of this machine's"
        return Check("clock", State.DOUBTFUL, detail, hint)
    told = _seconds(daemon_date)
    if told is not None and abs(told - now) > TOLERANCE:
        detail = f"the daemon's clock and this machine's differ by {duration(abs(told - now))}"
        return Check("clock", State.DOUBTFUL, detail, hint)
    return Check("clock", State.GOOD, "agrees with what is known")


def _seconds(date: str | None) -> float | None:
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
