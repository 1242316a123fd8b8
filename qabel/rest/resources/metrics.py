"""``/metrics``: the status as Prometheus metrics."""

from qabel.contract.reply import Reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import TEXT
from qabel.rest.http.call import Call

routes = Routes("Metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.add(
    "GET",
    "/metrics",
    "Get metrics for Prometheus",
    operation="getMetrics",
    scopes={"status"},
    answers={200: "The metrics, in the Prometheus text format."},
    returns=TEXT,
    produces=(CONTENT_TYPE,),
)
async def metrics(call: Call) -> Reply:
    """Return the metrics."""
    # Imported here because few use it, and it would delay every start.
    from qabel.rest.resources.exposition import expose  # noqa: PLC0415

    exposed = expose(await call.core.status(), call.modules.times)
    return Reply(200, exposed, CONTENT_TYPE.encode())
