"""The status as Prometheus metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen
from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from qabel.core.status.troubles import TroubleKind
from qabel.core.status.views import (
    AcknowledgementsView,
    DaemonStatusView,
    OutboxCountsView,
    PostedView,
    ReceivedView,
    ServerView,
    StrangersView,
    TroubleView,
)
from qabel.modules.reactor_time import ReactorTime


def expose(status: DaemonStatusView, modules: Mapping[str, ReactorTime]) -> bytes:
    """Return a status, and the times of modules, in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_Status(status, modules))
    return generate_latest(registry)


@frozen(eq=False)
class _Status(Collector):
    """Collects the metrics of a status."""

    _status: DaemonStatusView
    _modules: Mapping[str, ReactorTime]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        status = self._status
        yield _gauge("uptime_seconds", "Seconds since the daemon started.", status.uptime)
        yield _gauge("healthy", "1 if the daemon is healthy, 0 if not.", status.healthy)
        yield _troubles(status.trouble_details)
        what = "How often something held up the daemon for a second or more since the start."
        yield CounterMetricFamily("qabel_stalls", what, value=status.stalls)
        yield _gauge("inbox_messages", "Messages in the inbox.", status.inbox.messages)
        if status.strangers is not None:
            yield from _strangers(status.strangers)
        if status.outbox is not None:
            yield from _outbox(status.outbox)
        if status.acknowledgements is not None:
            yield from _acknowledgements(status.acknowledgements)
        yield from _messages(status.received, status.posted)
        yield from _servers(status.drop_servers)
        yield from _module_times(self._modules)


def _troubles(troubles: Sequence[TroubleView]) -> Metric:
    """Return how many troubles there are of each kind, without the names in them."""
    family = GaugeMetricFamily(
        "qabel_trouble", "What is wrong at present, by the kind of trouble.", labels=["kind"]
    )
    counts = Counter(each.kind for each in troubles)
    for kind in TroubleKind:
        family.add_metric([kind.value], counts[kind])
    return family


def _strangers(strangers: StrangersView) -> Iterator[Metric]:
    what = "Bytes of JSON text that are kept of strangers."
    yield _gauge("strangers_kept_bytes", what, strangers.kept_bytes)
    what = "Bytes of JSON text that are kept of strangers at most."
    yield _gauge("strangers_quota_bytes", what, strangers.quota_bytes)
    what = "Messages of strangers that were not kept and may still be in the drops."
    yield _gauge("strangers_refused_messages", what, strangers.refused)


def _outbox(outbox: OutboxCountsView) -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "qabel_outbox_deliveries", "Deliveries in the outbox, by state.", labels=["state"]
    )
    family.add_metric(["queued"], outbox.queued)
    family.add_metric(["sent"], outbox.sent)
    family.add_metric(["failed"], outbox.failed)
    yield family
    yield _gauge(
        "outbox_oldest_waiting_seconds",
        "Age of the oldest delivery that is still queued, in seconds.",
        outbox.oldest_waiting or 0.0,
    )


def _acknowledgements(counts: AcknowledgementsView) -> Iterator[Metric]:
    what = "Acknowledgements that wait to be sent."
    yield _gauge("acknowledgements_waiting", what, counts.waiting)
    what = "Acknowledgements that were given up, since the database was made."
    yield CounterMetricFamily("qabel_acknowledgements_given_up", what, value=counts.given_up)


def _messages(received: ReceivedView, posted: PostedView) -> Iterator[Metric]:
    looked = CounterMetricFamily(
        "qabel_messages", "Messages found in drops since the start, by outcome.", labels=["outcome"]
    )
    for outcome, count in asdict(received).items():
        looked.add_metric([outcome], count)
    yield looked
    attempts = CounterMetricFamily(
        "qabel_post_attempts",
        "Attempts to post a message since the start, by outcome.",
        labels=["outcome"],
    )
    counts = {"taken": posted.taken, "refused": posted.refused, "failed": posted.failed}
    for outcome, count in counts.items():
        attempts.add_metric([outcome], count)
    yield attempts
    yield SummaryMetricFamily(
        "qabel_post_seconds",
        "Duration of attempts to post a message, in seconds.",
        count_value=sum(counts.values()),
        sum_value=posted.seconds,
    )


def _servers(servers: Sequence[ServerView]) -> Iterator[Metric]:
    """Yield the metrics of drop servers, labelled by the URL of the server, without drop ids."""
    labels = ["server"]
    failures = GaugeMetricFamily(
        "qabel_drop_server_failures", "Consecutive failed polls of a drop server.", labels=labels
    )
    success = GaugeMetricFamily(
        "qabel_drop_server_last_success_seconds",
        "Time of the last successful poll, in seconds since the epoch.",
        labels=labels,
    )
    failed = CounterMetricFamily(
        "qabel_polls_failed", "Failed polls since the start.", labels=labels
    )
    polls = SummaryMetricFamily(
        "qabel_poll_seconds", "Duration of polls, in seconds.", labels=labels
    )
    for each in servers:
        label = [each.server]
        failures.add_metric(label, each.failures)
        failed.add_metric(label, each.failed_rounds)
        polls.add_metric(label, count_value=each.rounds, sum_value=each.seconds)
        if each.last_success is not None:
            success.add_metric(label, each.last_success / 1000)
    yield from (failures, success, failed, polls)


def _module_times(modules: Mapping[str, ReactorTime]) -> Iterator[Metric]:
    seconds = CounterMetricFamily(
        "qabel_module_reactor_seconds",
        "Seconds in which a module held up all requests, since the start.",
        labels=["module"],
    )
    slow = CounterMetricFamily(
        "qabel_module_slow_calls",
        "Calls of a module that held up all requests for more than 10 ms, since the start.",
        labels=["module"],
    )
    for name, time in modules.items():
        seconds.add_metric([name], time.seconds)
        slow.add_metric([name], time.slow)
    yield from (seconds, slow)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"qabel_{name}", what, value=float(value))
