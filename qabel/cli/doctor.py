"""``qabel doctor``: what is wrong, and what to do about it."""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from qabel.cli.checks import Check, State, check_clock, check_directory
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.text import visible
from qabel.cli.units import ago, count, duration

_SIGNS = {State.GOOD: ("ok", "green"), State.DOUBTFUL: ("!!", "yellow"), State.BAD: ("NO", "red")}


@click.command(cls=Command, short_help="Find out what is wrong, and what to do.")
@pass_session
def doctor(session: Session) -> None:
    """Check the data directory, key, daemon, drop servers and clock, and say what to do.

    Nothing is changed, and no drop server is asked. Status 0: nothing is broken; 1: something is;
    3: no daemon is running.
    """
    bad = 0
    for check in _checks(session):
        bad += check.state is State.BAD
        _show(session, check)
        session.out.flush()
    if not bad:
        return
    code = ExitStatus.FAILURE
    try:
        session.client.request("GET", "/health", query={"live": ""}, accept=(503,))
    except CommandError as error:
        code = error.exit_status
    raise CommandError(f"{count(bad, 'check')} failed", hint="see above", exit_status=code)


def _show(session: Session, check: Check) -> None:
    if session.out.json:
        session.out.value(
            {"check": check.name, "state": check.state, "detail": check.detail, "hint": check.hint}
        )
        return
    sign, style = _SIGNS[check.state]
    name = f"{check.name:<10}"
    session.out.raw(f"{session.out.styled(sign, style)}  {name}  {visible(check.detail)}\n")
    if check.hint:
        session.out.raw(f"{' ' * 16}→ {visible(check.hint)}\n")


def _checks(session: Session) -> Iterator[Check]:
    """Give check after check; those that need a daemon only if there is one."""
    alive = _daemon(session)
    if session.address.is_local:
        yield from check_directory(session.data_directory, daemon_runs=alive.state is State.GOOD)
    yield alive
    if alive.state is State.BAD:
        return
    try:
        yield from _from_within(session)
    except CommandError as error:
        yield Check("access", State.BAD, error.message, error.hint)


def _daemon(session: Session) -> Check:
    try:
        session.client.request("GET", "/health", query={"live": ""}, accept=(503,))
    except CommandError as error:
        return Check("daemon", State.BAD, error.message, error.hint)
    return Check("daemon", State.GOOD, f"answers at {session.address.name}")


def _from_within(session: Session) -> Iterator[Check]:
    """Check what the daemon can tell of itself."""
    answer = session.client.request("GET", "/status")
    status, now = answer.value, time.time()
    yield from _troubles(status.get("troubles", ()))
    yield from _drop_servers(status["drop_servers"], now)
    yield from _people(session)
    yield _outbox(status["outbox"])
    newest = session.client.get("/settings").get("drop_last_update")
    yield check_clock(now, answer.headers.get("Date"), newest)


def _troubles(troubles: Iterable[str]) -> Iterator[Check]:
    for trouble in troubles:
        yield Check("daemon", State.DOUBTFUL, trouble)


def _drop_servers(servers: Iterable[Mapping[str, Any]], now: float) -> Iterator[Check]:
    for each in servers:
        heard = ago(each["last_success"], now)
        if not each["failures"]:
            state = State.DOUBTFUL if each["last_success"] is None else State.GOOD
            yield Check("server", state, f"{each['server']} was read {heard}")
            continue
        yield Check(
            "server",
            State.BAD,
            f"{each['server']} cannot be read ({each['last_error']}); last read: {heard}",
            "see that its URL is right and that this machine is online; the daemon goes on trying",
        )


def _people(session: Session) -> Iterator[Check]:
    synced = session.client.get("/synced")
    active = [each for each in synced["drop_servers"] if not each["deleted"] and each["active"]]
    identities = [each for each in synced["identities"] if not each["deleted"]]
    contacts = [each for each in synced["contacts"] if not each["deleted"]]
    if not active:
        hint = "qabel server add URL"
        yield Check(
            "people", State.DOUBTFUL, "no drop server is set: no identity can be made", hint
        )
    if not identities:
        hint = "qabel identity new ALIAS"
        yield Check("people", State.DOUBTFUL, "there is no identity: nobody can write to you", hint)
    else:
        told = (
            f"{count(len(identities), 'identity', 'identities')}, {count(len(contacts), 'contact')}"
        )
        yield Check("people", State.GOOD, told)
    for each in identities:
        if not each["drops"]:
            detail = f"{each['alias']} has no drop: nobody can write to it"
            yield Check("people", State.DOUBTFUL, detail, "give it one: PATCH /identities/ID")


def _outbox(outbox: Mapping[str, Any]) -> Check:
    oldest = outbox["oldest_waiting"]
    if oldest is None:
        return Check("outbox", State.GOOD, "nothing waits to be sent")
    waiting = count(outbox["queued"], "message")
    detail = f"{waiting} to be sent, the oldest for {duration(oldest)}"
    state = State.DOUBTFUL if oldest > 600 else State.GOOD
    return Check("outbox", state, detail, "qabel outbox --waiting" if oldest > 600 else "")
