"""``qabel doctor``: what is wrong, and what to do about it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from qabel.cli.checks import (
    Check,
    CheckState,
    check_clock,
    check_directory,
    check_encryption,
)
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.text import pad, visible
from qabel.cli.units import ago, count, duration

LONG_WAIT = 600
"""Seconds that a message may be queued before that is a warning."""

_LABELS = {
    CheckState.OK: ("ok", "green"),
    CheckState.WARNING: ("warn", "yellow"),
    CheckState.FAILED: ("FAIL", "red"),
}


@click.command(cls=Command, short_help="Find problems, and say what to do about them.")
@pass_session
def doctor(session: Session) -> None:
    """Check the data directory, key, daemon, drop servers and clock.

    Nothing is changed, and no drop server is contacted. Exit status: 0 if nothing is broken, 1 if
    something is, 3 if no daemon is running.
    """
    failed = 0
    unreachable = _connection_error(session)
    for check in _checks(session, unreachable):
        failed += check.state is CheckState.FAILED
        _show(session, check)
        session.out.flush()
    if failed:
        exit_status = ExitStatus.FAILURE if unreachable is None else unreachable.exit_status
        raise CommandError(f"{count(failed, 'check')} failed", exit_status=exit_status)


def _show(session: Session, check: Check) -> None:
    out = session.out
    if out.json:
        out.value(
            {"check": check.name, "state": check.state, "detail": check.detail, "hint": check.hint}
        )
        return
    label, style = _LABELS[check.state]
    start = f"{out.styled(pad(label, 4), style)}  {pad(check.name, 9)}  "
    out.raw(f"{start}{visible(check.detail)}\n")
    if check.hint:
        out.raw(f"{' ' * 17}→ {visible(check.hint)}\n")


def _connection_error(session: Session) -> CommandError | None:
    """Return why the daemon does not respond; None if it does."""
    try:
        session.client.request("GET", "/health", query={"live": ""}, accept=(503,))
    except CommandError as error:
        return error
    return None


def _checks(session: Session, unreachable: CommandError | None) -> Iterator[Check]:
    """Yield all checks; those that ask the daemon only if it responds."""
    if session.address.is_local:
        yield from check_directory(session.data_directory, daemon_runs=unreachable is None)
    if unreachable is not None:
        yield Check("daemon", CheckState.FAILED, unreachable.message, unreachable.hint)
        return
    yield Check("daemon", CheckState.OK, f"Running at {session.address.name}")
    try:
        yield from _daemon_checks(session)
    except CommandError as error:
        yield Check("access", CheckState.FAILED, error.message, error.hint)


def _daemon_checks(session: Session) -> Iterator[Check]:
    """Check what the daemon reports about itself."""
    response = session.client.request("GET", "/status")
    status, now = response.value, time.time()
    for problem in status.get("troubles", ()):
        yield Check("daemon", CheckState.WARNING, problem)
    yield from _drop_servers(status["drop_servers"], now)
    yield from _people(session)
    if status["outbox"] is not None:
        yield _outbox(status["outbox"])
    newest = session.client.get("/settings").get("drop_last_update")
    yield check_clock(now, response.headers.get("Date"), newest)


def _drop_servers(servers: Iterable[Mapping[str, Any]], now: float) -> Iterator[Check]:
    for each in servers:
        last_read = f"last read: {ago(each['last_success'], now)}"
        if each["failures"]:
            yield Check(
                "server",
                CheckState.FAILED,
                f"Cannot read {each['server']}: {each['last_error']} ({last_read})",
                "Check its URL, and that this machine is online. The daemon keeps trying",
            )
        else:
            never = each["last_success"] is None
            state = CheckState.WARNING if never else CheckState.OK
            yield Check("server", state, f"{each['server']} ({last_read})")
        unencrypted = check_encryption(each["server"])
        if unencrypted is not None:
            yield unencrypted


def _people(session: Session) -> Iterator[Check]:
    synced = session.client.get("/synced")
    active = [each for each in synced["drop_servers"] if not each["deleted"] and each["active"]]
    identities = [each for each in synced["identities"] if not each["deleted"]]
    contacts = [each for each in synced["contacts"] if not each["deleted"]]
    if not active:
        detail = "No active drop server: new identities have nowhere to receive"
        yield Check("people", CheckState.WARNING, detail, "Run: qabel server add URL")
    if identities:
        total = count(len(identities), "identity", "identities")
        yield Check("people", CheckState.OK, f"{total}, {count(len(contacts), 'contact')}")
    else:
        hint = "Run: qabel identity new ALIAS"
        yield Check("people", CheckState.WARNING, "No identities: nobody can write to you", hint)
    for each in identities:
        if not each["drops"]:
            detail = f"{each['alias']} has no drop: nobody can write to it"
            yield Check("people", CheckState.WARNING, detail, "Add one: PATCH /identities/ID")


def _outbox(outbox: Mapping[str, Any]) -> Check:
    oldest = outbox["oldest_waiting"]
    if oldest is None:
        return Check("outbox", CheckState.OK, "No messages are waiting to be sent")
    waiting = count(outbox["queued"], "message")
    detail = f"{waiting} waiting to be sent, the oldest for {duration(oldest)}"
    if oldest <= LONG_WAIT:
        return Check("outbox", CheckState.OK, detail)
    return Check("outbox", CheckState.WARNING, detail, "Run: qabel outbox list --waiting")
