"""``qabel status``: how the daemon is."""

import time
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.table import Column
from qabel.cli.units import ago, count, duration, moment


@click.command(cls=Command)
@pass_session
def status(session: Session) -> None:
    """Show how the daemon is: its drop servers, inbox and outbox."""
    found = session.client.get("/status")
    out = session.out
    if out.json:
        out.value(found)
        return
    healthy = bool(found.get("healthy", True))
    out.line(
        f"qabel {found['version']}, running for {duration(found['uptime'])}: "
        + ("all is well" if healthy else "not well"),
        "green" if healthy else "red",
    )
    for trouble in found.get("troubles", ()):
        out.line(f"! {trouble}", "yellow")
    inbox, outbox = found["inbox"], found["outbox"]
    out.line(f"Inbox   {count(inbox['messages'], 'message')}")
    out.line(f"Outbox  {_outbox(outbox)}")
    servers = found["drop_servers"]
    if servers:
        out.line("")
        out.rows(servers, _columns(time.time()), "")
    else:
        out.note("No drops are read: add a drop server with qabel server add URL, then an identity")


def _outbox(counts: Mapping[str, Any]) -> str:
    text = f"{counts['queued']} waiting, {counts['sent']} sent, {counts['failed']} failed"
    oldest = counts.get("oldest_waiting")
    return text if oldest is None else f"{text}; the oldest waits for {duration(oldest)}"


def _columns(now: float) -> list[Column]:
    return [
        Column("DROP SERVER", lambda each: each["server"]),
        Column("DROPS", lambda each: each["drops"]),
        Column("READ", lambda each: ago(each["last_success"], now)),
        Column("NEXT", lambda each: _until(each["next_poll"], now)),
        Column("TROUBLE", _trouble, lambda each: "yellow" if each["failures"] else ""),
    ]


def _until(milliseconds: float | None, now: float) -> str:
    if milliseconds is None:
        return "-"
    seconds = milliseconds / 1000 - now
    if seconds > 86400:
        return moment(milliseconds)
    return "now" if seconds < 1 else f"in {duration(seconds)}"


def _trouble(server: Mapping[str, Any]) -> str:
    if not server["failures"]:
        return "-"
    return f"{server['last_error']} ({count(server['failures'], 'time')} in a row)"
