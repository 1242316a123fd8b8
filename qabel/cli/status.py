"""``qabel status``: the state of the daemon."""

import time
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.output import Output
from qabel.cli.table import Column
from qabel.cli.units import ago, count, duration, moment, size


@click.command(cls=Command)
@pass_session
def status(session: Session) -> None:
    """Show the state of the daemon and its drop servers."""
    found = session.client.get("/status")
    if session.out.json:
        session.out.value(found)
    else:
        show_status(found, session.out)


def show_status(found: Mapping[str, Any], out: Output) -> None:
    """Print what the daemon reports about itself."""
    healthy = bool(found.get("healthy", True))
    out.line(
        f"qabel {found['version']}, running for {duration(found['uptime'])}: "
        + ("healthy" if healthy else "unhealthy"),
        "green" if healthy else "red",
    )
    for problem in found.get("troubles", ()):
        out.line(f"! {problem}", "yellow")
    out.line(f"Inbox   {count(found['inbox']['messages'], 'message')}")
    strangers = found.get("strangers")
    if strangers is not None and (strangers["kept_bytes"] or strangers["refused"]):
        out.line(f"        {_strangers(strangers)}")
    out.line(f"Outbox  {_outbox(found['outbox'])}")
    servers = found["drop_servers"]
    if servers:
        out.line("")
        out.rows(servers, _columns(time.time()), "")
    else:
        out.note(
            "No drop server is polled. Add one (qabel server add URL), then create an identity "
            "(qabel identity new ALIAS)."
        )


def _strangers(counts: Mapping[str, Any]) -> str:
    text = f"{size(counts['kept_bytes'])} of {size(counts['quota_bytes'])} from strangers"
    return f"{text}; {counts['refused']} not kept" if counts["refused"] else text


def _outbox(counts: Mapping[str, Any] | None) -> str:
    if counts is None:
        return "unknown: the database does not respond"
    text = f"{counts['queued']} waiting, {counts['sent']} sent, {counts['failed']} failed"
    oldest = counts["oldest_waiting"]
    return text if oldest is None else f"{text}; the oldest has waited for {duration(oldest)}"


def _columns(now: float) -> list[Column]:
    return [
        Column("DROP SERVER", lambda each: each["server"]),
        Column("DROPS", lambda each: each["drops"]),
        Column("LAST READ", lambda each: ago(each["last_success"], now)),
        Column("NEXT READ", lambda each: _until(each["next_poll"], now)),
        Column("PROBLEM", _problem, lambda each: "yellow" if each["failures"] else ""),
    ]


def _until(milliseconds: float | None, now: float) -> str:
    if milliseconds is None:
        return "-"
    seconds = milliseconds / 1000 - now
    if seconds > 86400:
        return moment(milliseconds)
    return "now" if seconds < 1 else f"in {duration(seconds)}"


def _problem(server: Mapping[str, Any]) -> str:
    if not server["failures"]:
        return "-"
    return f"{server['last_error']} (failed {count(server['failures'], 'time')})"
