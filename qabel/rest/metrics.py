"""``/metrics``: what ``/status`` says in numbers, for Prometheus."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from qabel.rest.answers import Reply
from qabel.rest.routes import Call, Routes
from qabel.rest.schemas import STRING

routes = Routes("Metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.add(
    "GET",
    "/metrics",
    "See how the daemon is, as Prometheus reads it",
    scopes={"status"},
    answers={200: "Metrics as text."},
    gives=STRING,
    produces=CONTENT_TYPE,
)
async def metrics(call: Call) -> Reply:
    """Give the status in numbers."""
    registry = CollectorRegistry()
    registry.register(_Status(await call.core.status()))
    return Reply(200, generate_latest(registry), CONTENT_TYPE.encode())


class _Status(Collector):
    """The numbers in one status."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Give each of them."""
        status = self._status
        yield _gauge("uptime_seconds", "Since the start.", status["uptime"])
        yield _gauge("healthy", "Whether the daemon is well.", status["healthy"])
        yield _gauge("inbox_messages", "In the inbox.", status["inbox"]["messages"])
        if status["outbox"] is not None:
            yield from _outbox(status["outbox"])
        yield from _servers(status["drop_servers"])


def _outbox(outbox: Mapping[str, Any]) -> Iterator[Metric]:
    family = GaugeMetricFamily("qabel_outbox_deliveries", "In the outbox.", labels=["state"])
    for state in ("queued", "sent", "failed"):
        family.add_metric([state], outbox[state])
    yield family
    yield _gauge(
        "outbox_oldest_waiting_seconds",
        "How long the oldest one waits that is not sent.",
        outbox["oldest_waiting"] or 0.0,
    )


def _servers(servers: list[Mapping[str, Any]]) -> Iterator[Metric]:
    failures = GaugeMetricFamily(
        "qabel_drop_server_failures", "Rounds that failed in a row.", labels=["server"]
    )
    success = GaugeMetricFamily(
        "qabel_drop_server_last_success_seconds", "Since the epoch.", labels=["server"]
    )
    for each in servers:
        failures.add_metric([each["server"]], each["failures"])
        if each["last_success"] is not None:
            success.add_metric([each["server"]], each["last_success"] / 1000)
    yield failures
    yield success


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"qabel_{name}", what, value=float(value))
