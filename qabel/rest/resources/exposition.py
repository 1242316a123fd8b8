"""A status in numbers, written as Prometheus reads it."""

from collections.abc import Iterator, Sequence

from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from qabel.core.status.views import (
    OutboxCountsView,
    PostedView,
    ReceivedView,
    ServerView,
    StatusView,
)


def expose(status: StatusView) -> bytes:
    """Return a status in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Status(status))
    return generate_latest(registry)


class _Status(Collector):
    """The numbers in one status."""

    def __init__(self, status: StatusView) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yield each of them."""
        status = self._status
        yield _gauge("uptime_seconds", "Since the start.", status.uptime)
        yield _gauge("healthy", "Whether the daemon is well.", status.healthy)
        yield _gauge("inbox_messages", "In the inbox.", status.inbox.messages)
        if status.outbox is not None:
            yield from _outbox(status.outbox)
        yield from _messages(status.received, status.posted)
        yield from _servers(status.drop_servers)


def _outbox(outbox: OutboxCountsView) -> Iterator[Metric]:
    family = GaugeMetricFamily("qabel_outbox_deliveries", "In the outbox.", labels=["state"])
    family.add_metric(["queued"], outbox.queued)
    family.add_metric(["sent"], outbox.sent)
    family.add_metric(["failed"], outbox.failed)
    yield family
    yield _gauge(
        "outbox_oldest_waiting_seconds",
        "How long the oldest one waits that is not sent.",
        outbox.oldest_waiting or 0.0,
    )


def _messages(received: ReceivedView, posted: PostedView) -> Iterator[Metric]:
    looked = CounterMetricFamily(
        "qabel_messages", "Found in drops, since the start.", labels=["outcome"]
    )
    for outcome, count in asdict(received).items():
        looked.add_metric([outcome], count)
    yield looked
    attempts = CounterMetricFamily(
        "qabel_post_attempts", "Of posting a message, since the start.", labels=["outcome"]
    )
    counts = {"taken": posted.taken, "refused": posted.refused, "failed": posted.failed}
    for outcome, count in counts.items():
        attempts.add_metric([outcome], count)
    yield attempts
    yield SummaryMetricFamily(
        "qabel_post_seconds",
        "How long attempts took.",
        count_value=sum(counts.values()),
        sum_value=posted.seconds,
    )


def _servers(servers: Sequence[ServerView]) -> Iterator[Metric]:
    """Yield what there is of servers, named by their place in ``/status``: not whom one uses."""
    labels = ["server"]
    failures = GaugeMetricFamily(
        "qabel_drop_server_failures", "Rounds that failed in a row.", labels=labels
    )
    success = GaugeMetricFamily(
        "qabel_drop_server_last_success_seconds", "Since the epoch.", labels=labels
    )
    failed = CounterMetricFamily(
        "qabel_polls_failed", "Rounds that failed, since the start.", labels=labels
    )
    polls = SummaryMetricFamily("qabel_poll_seconds", "How long rounds took.", labels=labels)
    for index, each in enumerate(servers):
        label = [str(index)]
        failures.add_metric(label, each.failures)
        failed.add_metric(label, each.failed_rounds)
        polls.add_metric(label, count_value=each.rounds, sum_value=each.seconds)
        if each.last_success is not None:
            success.add_metric(label, each.last_success / 1000)
    yield from (failures, success, failed, polls)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"qabel_{name}", what, value=float(value))
