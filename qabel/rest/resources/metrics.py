"""``/metrics``: what ``/status`` says in numbers, for Prometheus."""

from qabel.contract.reply import Reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import TEXT
from qabel.rest.http.call import Call

routes = Routes("Metrics")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.add(
    "GET",
    "/metrics",
    "See how the daemon is, as Prometheus reads it",
    scopes={"status"},
    answers={200: "Metrics as text."},
    gives=TEXT,
    produces=CONTENT_TYPE,
)
async def metrics(call: Call) -> Reply:
    """Return the status in numbers."""
    # Few ask for it, and importing it would slow down every start.
    from qabel.rest.resources.exposition import expose  # noqa: PLC0415

    return Reply(200, expose(await call.core.status()), CONTENT_TYPE.encode())
