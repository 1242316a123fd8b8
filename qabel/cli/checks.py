"""Checks of this machine: the data directory, the files in it, the clock."""

import os
import shutil
import stat
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from shlex import quote

from attrs import frozen

from qabel.cli.paths import DATABASE, KEY, SEALED_KEY, SOCKET, TOKEN
from qabel.cli.units import duration, size
from qabel.drop.plain_http import is_unencrypted
from qabel.host.socket_paths import PathTooLong, check_socket_path

LOW_DISK_SPACE = 100 * 1024 * 1024
"""Bytes of free disk space below which there is a warning."""

VERY_LOW_DISK_SPACE = LOW_DISK_SPACE // 10

CLOCK_TOLERANCE = 120.0
"""Seconds that two clocks may differ."""

YEAR_2020 = 1_577_836_800
"""The start of 2020, in seconds since the epoch: an earlier clock was never set."""

_NOT_OURS = "This is not a data directory of Qabel: check --data-dir"
_CREATED_LATER = "The daemon creates it when it first starts"


class CheckState(StrEnum):
    """The outcome of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@frozen
class Check:
    """A check: what was checked, the outcome, and what the user can do."""

    name: str
    state: CheckState
    detail: str
    hint: str = ""


def check_directory(path: Path, *, daemon_runs: bool) -> Iterator[Check]:
    """Check the data directory, and what must be in it."""
    try:
        status = path.stat()
    except FileNotFoundError:
        hint = f"{_CREATED_LATER}; or pass --data-dir"
        yield Check("directory", CheckState.FAILED, f"{path} does not exist", hint)
        return
    except OSError as error:
        detail = f"Cannot access {path}: {error.strerror}"
        yield Check("directory", CheckState.FAILED, detail, "It must belong to you")
        return
    problem = _directory_problem(path, status)
    yield problem or Check("directory", CheckState.OK, f"Only you can access {path}")
    yield from _disk_space(path)
    if problem is None:
        yield from _key(path, daemon_runs=daemon_runs)
        yield _secret_file("token", path / TOKEN, _CREATED_LATER)


def _directory_problem(path: Path, status: os.stat_result) -> Check | None:
    if not stat.S_ISDIR(status.st_mode):
        detail = f"{path} is not a directory"
        return Check("directory", CheckState.FAILED, detail, "Check --data-dir")
    if status.st_uid != os.geteuid():
        return _foreign("directory", path)
    if stat.S_IMODE(status.st_mode) & 0o077:
        detail = f"Other users can access {path}"
        hint = f"Run: chmod 700 {quote(str(path))}" if _is_ours(path) else _NOT_OURS
        return Check("directory", CheckState.FAILED, detail, hint)
    try:
        check_socket_path(path / SOCKET)
    except PathTooLong as error:
        detail = str(error.strerror)
        detail = detail[:1].upper() + detail[1:]
        return Check("directory", CheckState.FAILED, detail, "Pass a shorter --data-dir")
    return None


def _foreign(name: str, path: Path) -> Check:
    """Return the check of a file or directory that belongs to another user."""
    hint = "Run this command as that user, or pass --data-dir with a directory of your own"
    return Check(name, CheckState.FAILED, f"{path} belongs to another user", hint)


def _is_ours(path: Path) -> bool:
    """Return whether there is something of a daemon in a directory, which is for nothing else."""
    return any(os.path.lexists(path / name) for name in (DATABASE, KEY, SEALED_KEY, TOKEN, SOCKET))


def _disk_space(path: Path) -> Iterator[Check]:
    try:
        free = shutil.disk_usage(path).free
    except OSError:
        return
    if free < LOW_DISK_SPACE:
        state = CheckState.FAILED if free < VERY_LOW_DISK_SPACE else CheckState.WARNING
        hint = "Free some disk space: received messages are stored there"
        yield Check("disk", state, f"Only {size(free)} free in {path}", hint)


def _key(path: Path, *, daemon_runs: bool) -> Iterator[Check]:
    """Check the file of the key, if the key is in one. It is not read.

    If there is none, a running daemon, or a user who says where it is, knows better.
    """
    kept = [path / name for name in (KEY, SEALED_KEY) if os.path.lexists(path / name)]
    for key in kept:
        yield _secret_file("key", key, "")
    if kept or daemon_runs:
        return
    elif not os.path.lexists(path / DATABASE):
        yield Check("key", CheckState.OK, _CREATED_LATER)
    else:
        detail = f"There is no database key in {path}: without it, the database cannot be opened"
        hint = "Restore it from your copy; if it is kept elsewhere, run: qabel doctor --key KEY"
        yield Check("key", CheckState.WARNING, detail, hint)


def _secret_file(name: str, path: Path, hint: str) -> Check:
    try:
        status = path.stat()
    except OSError as error:
        return Check(name, CheckState.WARNING, f"{path}: {error.strerror}", hint)
    if status.st_uid != os.geteuid():
        return _foreign(name, path)
    if stat.S_IMODE(status.st_mode) & 0o077:
        hint = f"Run: chmod 600 {quote(str(path))}. Others may have read it already"
        return Check(name, CheckState.FAILED, f"Other users can access {path}", hint)
    return Check(name, CheckState.OK, f"Only you can access {path}")


def check_clock(now: float, daemon_date: str | None, newest_drop: str | None) -> Check:
    """Check this machine's clock against the clocks of the daemon and the drop servers.

    Args:
        now: seconds since the epoch.
        daemon_date: the Date header of the daemon's response.
        newest_drop: when the newest message arrived, by the clock of its drop server.

    """
    hint = "Set the clock, and keep it synchronized: timedatectl set-ntp true"
    if now < YEAR_2020:
        return Check("clock", CheckState.FAILED, "This machine's clock was never set", hint)
    arrived = _seconds(newest_drop)
    if arrived is not None and arrived - now > CLOCK_TOLERANCE:
        ahead = duration(arrived - now)
        detail = f"A drop server's clock is {ahead} ahead of this machine's"
        return Check("clock", CheckState.WARNING, detail, hint)
    daemon = _seconds(daemon_date)
    if daemon is not None and abs(daemon - now) > CLOCK_TOLERANCE:
        difference = duration(abs(daemon - now))
        detail = f"The clocks of the daemon and this machine differ by {difference}"
        return Check("clock", CheckState.WARNING, detail, hint)
    return Check("clock", CheckState.OK, "No difference to other clocks")


def check_encryption(server: str) -> Check | None:
    """Return a warning if the traffic with a drop server is not encrypted; None if all is well."""
    if not is_unencrypted(server):
        return None
    detail = f"{server} uses http: others can see which drops are read, and withhold messages"
    return Check("server", CheckState.WARNING, detail, "Use its https URL, if it has one")


def _seconds(date: str | None) -> float | None:
    """Return a date of an HTTP header in seconds since the epoch; None if it is no date."""
    try:
        return None if date is None else parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
