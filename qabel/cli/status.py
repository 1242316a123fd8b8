"""``qabel status``: the state of the daemon."""

import time
from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.daemon_checks import TIMEOUT
from qabel.cli.lenient import (
    as_object,
    count_in,
    number_in,
    object_in,
    objects_in,
    text_in,
    texts_in,
)
from qabel.cli.output import Output
from qabel.cli.table import Column
from qabel.cli.units import ago, count, duration, moment, size


@click.command(cls=Command)
@pass_session
def status(session: Session) -> None:
    """Show the state of the daemon and its drop servers."""
    response = session.client.request("GET", "/status", timeout=TIMEOUT)
    found = as_object(response.value, "a status")
    if session.out.json:
        session.out.value(found)
    else:
        show_status(found, session.out)


def show_status(found: Mapping[str, Any], out: Output) -> None:
    """Print what the daemon reports about itself; what it leaves out is left out here."""
    running = duration(number_in(found, "uptime") or 0)
    health, style = _health(found)
    out.line(f"qabel {text_in(found, 'version')}, running for {running}: {health}", style)
    _show_troubles(found, out)
    inbox = object_in(found, "inbox")
    if inbox is not None:
        out.line(f"Inbox   {count(count_in(inbox, 'messages'), 'message')}")
    strangers = object_in(found, "strangers")
    if strangers is not None:
        kept, refused = count_in(strangers, "kept_bytes"), count_in(strangers, "refused")
        if kept or refused:
            text = f"{size(kept)} of {size(count_in(strangers, 'quota_bytes'))} from strangers"
            out.line(f"        {text}{f'; {refused} not kept' if refused else ''}")
    out.line(f"Outbox  {_outbox(object_in(found, 'outbox'))}")
    _show_acknowledgements(object_in(found, "acknowledgements"), out)
    proxy = object_in(found, "proxy")
    if proxy is not None:
        out.line(f"Proxy   {_proxy(proxy)}")
    _show_servers(found, out)


def _health(found: Mapping[str, Any]) -> tuple[str, str]:
    """Return how the daemon is in a few words, and their style."""
    if found.get("healthy") is False:
        return "unhealthy", "red"
    problems = len(objects_in(found, "trouble_details") or texts_in(found, "troubles"))
    if not problems:
        servers = objects_in(found, "drop_servers")
        problems = sum(_problem(each) != "-" for each in servers)
    if problems:
        return f"working, with {count(problems, 'problem')}", "yellow"
    return "healthy", "green"


def _proxy(proxy: Mapping[str, Any]) -> str:
    """Return where the proxy is, and what does not go through it."""
    apart = ", keeps identities apart" if proxy.get("isolating") is True else ""
    direct = texts_in(proxy, "direct")
    others = f"; directly to {', '.join(direct)}" if direct else ""
    return f"{text_in(proxy, 'address')}{apart}{others}"


def _show_troubles(found: Mapping[str, Any], out: Output) -> None:
    details = objects_in(found, "trouble_details")
    for each in details:
        style = "red" if each.get("unhealthy") is True else "yellow"
        since = number_in(each, "since")
        when = "" if since is None else f" (since {moment(since)})"
        what = text_in(each, "what")
        out.line(f"! {what.rstrip('.') if when else what}{when}", style)
        if text_in(each, "advice", ""):
            out.line(f"  → {text_in(each, 'advice')}")
    if not details:
        for problem in texts_in(found, "troubles"):
            out.line(f"! {problem}", "yellow")


def _show_servers(found: Mapping[str, Any], out: Output) -> None:
    servers = objects_in(found, "drop_servers")
    if servers:
        out.line("")
        out.rows(servers, _columns(time.time()), "")
    else:
        out.note(
            "No drop server is polled. Add one (qabel server add URL), then create an identity "
            "(qabel identity new ALIAS)."
        )
    for each in servers:
        if each.get("push") == "not offered":
            server, every = text_in(each, "server"), number_in(each, "interval")
            polled = "" if every is None else f": it is polled every {duration(every)}"
            out.note(f"{server} does not offer push{polled}.")


def _outbox(counts: Mapping[str, Any] | None) -> str:
    if counts is None:
        return "unknown: the database does not respond"
    waiting, sent, failed = (count_in(counts, key) for key in ("queued", "sent", "failed"))
    text = f"{waiting} waiting, {sent} sent, {failed} failed"
    oldest = number_in(counts, "oldest_waiting")
    return text if oldest is None else f"{text}; the oldest has waited for {duration(oldest)}"


def _show_acknowledgements(counts: Mapping[str, Any] | None, out: Output) -> None:
    if counts is None:
        return
    waiting, given_up = count_in(counts, "waiting"), count_in(counts, "given_up")
    if waiting or given_up:
        text = f"{count(waiting, 'acknowledgement')} waiting for a random delay"
        out.line(f"        {text}{f'; {given_up} given up' if given_up else ''}")


def _columns(now: float) -> list[Column]:
    return [
        Column("DROP SERVER", lambda each: text_in(each, "server")),
        Column("DROPS", lambda each: count_in(each, "drops"), stays=True),
        Column("LAST READ", lambda each: ago(number_in(each, "last_success"), now), stays=True),
        Column("NEXT READ", lambda each: _until(number_in(each, "next_poll"), now), stays=True),
        Column("PROBLEM", _problem, lambda each: "" if _problem(each) == "-" else "yellow"),
    ]


def _until(milliseconds: float | None, now: float) -> str:
    if milliseconds is None:
        return "-"
    seconds = milliseconds / 1000 - now
    if seconds > 86400:
        return moment(milliseconds)
    return "now" if seconds < 1 else f"in {duration(seconds)}"


def _problem(server: Mapping[str, Any]) -> str:
    if text_in(server, "not_stored", ""):
        return f"not stored: {text_in(server, 'not_stored')}"
    failures = count_in(server, "failures")
    if not failures:
        return "-"
    return f"{text_in(server, 'last_error').rstrip('.')} (failed {count(failures, 'time')})"
