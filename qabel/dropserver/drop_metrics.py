"""The state of a drop server as Prometheus metrics."""

from collections.abc import Iterator

from attrs import frozen
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qabel.dropserver.request_counts import Got, Posted
from qabel.dropserver.server_state import State
from qabel.dropserver.usage import Usage


def expose(state: State) -> bytes:
    """Return a state in the Prometheus text format."""
    registry = CollectorRegistry()
    registry.register(_State(state))
    return generate_latest(registry)


@frozen(eq=False)
class _State(Collector):
    """Collects the metrics of a state."""

    _state: State

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        state = self._state
        yield _gauge("healthy", "1 if messages can be stored, 0 if not.", state.trouble is None)
        if state.usage is not None:
            yield from _usage(state.usage)
        posted = CounterMetricFamily(
            "qabel_drop_posted",
            "Messages that were posted, by what became of them.",
            labels=["outcome"],
        )
        for each in Posted:
            posted.add_metric([each.value], state.counts.posted[each])
        yield posted
        got = CounterMetricFamily(
            "qabel_drop_got", "Requests for messages, by what they got.", labels=["outcome"]
        )
        for kind in Got:
            got.add_metric([kind.value], state.counts.got[kind])
        yield got
        yield _gauge("listeners", "Programs that listen to drops.", state.listeners)
        yield _gauge("listeners_limit", "How many may listen.", state.most_listeners)
        yield _gauge("connections", "Open connections.", state.connections)
        yield _gauge("connections_limit", "How many there may be.", state.most_connections)
        what = "1 if requests come through a proxy that --trust-proxy does not name, 0 if not."
        yield _gauge("proxy_undeclared", what, state.is_proxy_undeclared)


def _usage(usage: Usage) -> Iterator[Metric]:
    yield _gauge("messages", "Messages that are kept.", usage.messages)
    yield _gauge("charged_bytes", "Bytes that the messages are charged.", usage.charged)
    yield _gauge("quota_bytes", "Bytes that all messages may be charged.", usage.quota)
    yield _gauge("disk_full", "1 if the disk is full, 0 if not.", usage.is_disk_full)
    what = "Bytes of the addresses that hold most, the largest first; not which they are."
    shares = GaugeMetricFamily("qabel_drop_share_bytes", what, labels=["rank"])
    for rank, held in enumerate(usage.shares, 1):
        shares.add_metric([str(rank)], held)
    yield shares


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"qabel_drop_{name}", what, value=value)
