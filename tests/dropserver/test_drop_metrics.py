"""The metrics of a drop server, from what is known of it."""

import attrs

from qabel.dropserver.drop_metrics import expose
from qabel.dropserver.request_counts import Got, Posted, RequestCounts
from qabel.dropserver.server_state import State
from qabel.dropserver.usage import Usage

STATE = State(
    usage=Usage(messages=3, charged=6831, quota=10_000, shares=[4554, 2277], is_disk_full=False),
    counts=RequestCounts(),
    listeners=7,
    most_listeners=800,
    connections=9,
    most_connections=1024,
    is_proxy_undeclared=True,
)


def test_all_that_is_known() -> None:
    """Each number has a metric, with the outcomes that did not happen."""
    STATE.counts.posted[Posted.DROP_FULL] += 2
    STATE.counts.got[Got.MESSAGES] += 1
    lines = expose(STATE).decode().splitlines()
    for expected in (
        "qabel_drop_healthy 1.0",
        "qabel_drop_messages 3.0",
        "qabel_drop_charged_bytes 6831.0",
        'qabel_drop_share_bytes{rank="2"} 2277.0',
        'qabel_drop_posted_total{outcome="drop_full"} 2.0',
        'qabel_drop_posted_total{outcome="stored"} 0.0',
        'qabel_drop_got_total{outcome="messages"} 1.0',
        "qabel_drop_listeners 7.0",
        "qabel_drop_connections 9.0",
        "qabel_drop_connections_limit 1024.0",
        "qabel_drop_proxy_undeclared 1.0",
    ):
        assert expected in lines


def test_what_is_not_known() -> None:
    """While the file cannot be read, there is no number of messages, and it is not healthy."""
    text = expose(attrs.evolve(STATE, usage=None)).decode()
    assert "qabel_drop_healthy 0.0" in text
    assert "qabel_drop_messages" not in text
