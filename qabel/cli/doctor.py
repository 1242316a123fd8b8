"""``qabel doctor``: what is wrong, and what to do about it."""

from collections.abc import Iterator

import click

from qabel.cli.api_errors import DIAGNOSE
from qabel.cli.checks import Check, CheckState, check_directory
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.daemon_checks import TIMEOUT, DaemonChecks
from qabel.cli.database_check import check_database
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.text import pad, visible
from qabel.cli.units import count

_RESTART = "See its log. If it stays like that, restart it"

_LABELS = {
    CheckState.OK: ("ok", "green"),
    CheckState.WARNING: ("warn", "yellow"),
    CheckState.FAILED: ("FAIL", "red"),
}


@click.command(cls=Command, short_help="Find problems, and say what to do about them.")
@click.option(
    "--key",
    metavar="KEY",
    help="Where the key of a stopped daemon's database is, as with qabel key change.",
)
@pass_session
def doctor(session: Session, key: str | None) -> None:
    """Check the data directory, key, database, daemon, drop servers and clock.

    Nothing is changed, and no drop server is contacted. Exit status: 0 if nothing is broken, 1 if
    something is, 3 if no daemon is running.
    """
    failed = 0
    unreachable = _connection_error(session)
    for check in _checks(session, unreachable, key):
        failed += check.state is CheckState.FAILED
        _show(session, check)
        session.out.flush()
    if failed:
        exit_status = ExitStatus.FAILURE if unreachable is None else unreachable.exit_status
        raise CommandError(f"{count(failed, 'check')} failed", exit_status=exit_status)


def _show(session: Session, check: Check) -> None:
    out = session.out
    hint = out.own.in_text(check.hint)
    if out.json:
        out.value({"check": check.name, "state": check.state, "detail": check.detail, "hint": hint})
        return
    label, style = _LABELS[check.state]
    start = f"{out.styled(pad(label, 4), style)}  {pad(check.name, 9)}  "
    out.raw(f"{start}{visible(check.detail)}\n")
    if hint:
        out.raw(f"{' ' * 17}→ {visible(hint)}\n")


def _connection_error(session: Session) -> CommandError | None:
    """Return why the daemon does not respond; None if it does."""
    try:
        session.client.request("GET", "/health", query={"live": ""}, accept=(503,), timeout=TIMEOUT)
    except CommandError as error:
        return error
    return None


def _checks(session: Session, unreachable: CommandError | None, key: str | None) -> Iterator[Check]:
    """Yield all checks; those that ask the daemon only if it responds."""
    states: dict[str, CheckState] = {}
    directory = session.data_directory
    if session.address.is_local:
        is_elsewhere = key not in (None, "file")
        for check in check_directory(directory, daemon_runs=unreachable is None or is_elsewhere):
            states[check.name] = check.state
            yield check
    failed = frozenset(name for name, state in states.items() if state is not CheckState.OK)
    if unreachable is None:
        yield Check("daemon", CheckState.OK, f"Running at {session.address.name}")
        is_elsewhere = "directory" in states and "key" not in states and "directory" not in failed
        yield from DaemonChecks(session.client, failed, key_is_elsewhere=is_elsewhere).run()
        return
    if session.address.is_local and "directory" not in failed and ("key" not in failed or key):
        yield from check_database(directory, key)
    hint = _RESTART if unreachable.hint == DIAGNOSE else unreachable.hint
    yield Check("daemon", CheckState.FAILED, unreachable.message, hint)
