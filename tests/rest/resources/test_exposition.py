"""The status as Prometheus reads it."""

from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from qabel.core.status import views
from qabel.core.status.troubles import TroubleKind
from qabel.modules.reactor_time import ReactorTime
from qabel.rest.resources.exposition import expose

URL = "https://drop.example.org"

SERVER = views.ServerView(
    server=URL,
    drops=2,
    last_success=1_800_000_000_500,
    last_failure=None,
    last_error="timed out for abcdefg",
    failures=3,
    rounds=7,
    failed_rounds=4,
    seconds=1.5,
    next_poll=None,
    not_stored=None,
    interval=5.0,
    push="listening",
    unencrypted=False,
    full_reading=views.FullReadingView(last=None, due=None, failed=None),
    went_back=None,
)


def trouble(kind: str) -> views.TroubleView:
    """Return a trouble with a server that nobody is to know of."""
    what = "Reading from https://drop.example.org failed."
    return views.TroubleView(kind=kind, what=what, advice="", unhealthy=True, since=0)


def status(**changes: Any) -> views.DaemonStatusView:
    """Return a status with these changes."""
    made = views.DaemonStatusView(
        status="running",
        version="1",
        uptime=61.5,
        healthy=True,
        troubles=["The disk is full."],
        trouble_details=[
            trouble("disk_full"),
            trouble("server_failing"),
            trouble("server_failing"),
        ],
        drop_servers=[SERVER],
        push=views.PushView(listening=0),
        proxy=None,
        disk=views.DiskView(full=False, full_since=None),
        received=views.ReceivedView(
            received=5, passed_over=4, seen_before=3, rubbish=2, spoofed=1, refused=8, blocked=9
        ),
        posted=views.PostedView(taken=6, refused=1, failed=2, seconds=4.5),
        inbox=views.InboxCountsView(messages=12, latest="db.5"),
        strangers=views.StrangersView(kept_bytes=1000, quota_bytes=2000, refused=17),
        outbox=views.OutboxCountsView(queued=1, sent=2, failed=3, oldest_waiting=9.5),
        acknowledgements=views.AcknowledgementsView(waiting=21, given_up=22),
        backup="",
        stalls=3,
    )
    return replace(made, **changes)


def busy() -> ReactorTime:
    """Return the time of a module that held up the reactor once."""
    times = iter((0.0, 0.5))
    time = ReactorTime(lambda: next(times))
    time.call(str)
    return time


MODULES = {"notes": busy()}


def samples(shown: views.DaemonStatusView) -> dict[str, float]:
    """Return all samples that Prometheus reads, by name and label."""
    families = text_string_to_metric_families(expose(shown, MODULES).decode())
    return {
        " ".join([each.name.removeprefix("qabel_"), *each.labels.values()]): each.value
        for family in families
        for each in family.samples
    }


def test_all_numbers() -> None:
    """Every number of the status is there, in the units that Prometheus wants."""
    found = samples(status())
    for kind in TroubleKind:
        del found[f"trouble {kind}"]
    assert found == {
        "uptime_seconds": 61.5,
        "healthy": 1,
        "stalls_total": 3,
        "inbox_messages": 12,
        "outbox_deliveries queued": 1,
        "outbox_deliveries sent": 2,
        "outbox_deliveries failed": 3,
        "acknowledgements_waiting": 21,
        "acknowledgements_given_up_total": 22,
        "outbox_oldest_waiting_seconds": 9.5,
        "messages_total received": 5,
        "messages_total passed_over": 4,
        "messages_total seen_before": 3,
        "messages_total rubbish": 2,
        "messages_total spoofed": 1,
        "messages_total refused": 8,
        "messages_total blocked": 9,
        "strangers_kept_bytes": 1000,
        "strangers_quota_bytes": 2000,
        "strangers_refused_messages": 17,
        "post_attempts_total taken": 6,
        "post_attempts_total refused": 1,
        "post_attempts_total failed": 2,
        "post_seconds_count": 9,
        "post_seconds_sum": 4.5,
        f"drop_server_failures {URL}": 3,
        f"drop_server_last_success_seconds {URL}": 1_800_000_000.5,
        f"polls_failed_total {URL}": 4,
        f"poll_seconds_count {URL}": 7,
        f"poll_seconds_sum {URL}": 1.5,
        "module_reactor_seconds_total notes": 0.5,
        "module_slow_calls_total notes": 1,
    }


def test_troubles_are_counted_by_kind() -> None:
    """Each kind of the table has a number, also those of which there is none."""
    found = samples(status())
    expected = {f"trouble {kind}": 0.0 for kind in TroubleKind}
    expected |= {"trouble disk_full": 1.0, "trouble server_failing": 2.0}
    assert {name: value for name, value in found.items() if name.startswith("trouble")} == expected


def test_servers_have_their_urls() -> None:
    """Drop servers are told apart by their URLs, and nothing else is said of them."""
    other = replace(SERVER, server="https://other.example.org", failures=0, last_success=None)
    shown = status(drop_servers=[SERVER, other])
    found = samples(shown)
    assert found["drop_server_failures https://drop.example.org"] == 3
    assert found["drop_server_failures https://other.example.org"] == 0
    assert "drop_server_last_success_seconds https://other.example.org" not in found
    assert b"timed out" not in expose(shown, {})


@pytest.mark.parametrize(
    ("outbox", "waiting"),
    [(None, None), (views.OutboxCountsView(queued=0, sent=0, failed=0, oldest_waiting=None), 0)],
)
def test_outbox(outbox: views.OutboxCountsView | None, waiting: float | None) -> None:
    """An outbox that nothing waits in waits for 0 seconds; an unknown one has no metrics."""
    found = samples(status(outbox=outbox))
    assert found.get("outbox_oldest_waiting_seconds") == waiting
    assert ("outbox_deliveries queued" in found) is (outbox is not None)


def test_unknown_strangers() -> None:
    """While the database does not respond, nothing is said of strangers."""
    assert not [name for name in samples(status(strangers=None)) if name.startswith("strangers")]


def test_unhealthy() -> None:
    """A daemon that is not healthy is 0."""
    assert samples(status(healthy=False))["healthy"] == 0
