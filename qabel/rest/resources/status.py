"""``/status``, ``/health`` and ``/backup``: how the daemon is, and a copy of what it keeps."""

from qabel.contract.rejection import problem
from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import OPEN, Routes
from qabel.core.backups import BackupNameForm
from qabel.core.status.views import BackupView, HealthView, StatusView
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Present
from qabel.rest.http.call import Call

routes = Routes("Status")

_BACKUP = Object(
    {
        "name": Key(
            OrNull(BackupNameForm()),
            None,
            description="The name of the file; made from the time if it is not given.",
        )
    }
)


@routes.add(
    "GET",
    "/status",
    "See how the daemon is",
    scopes={"status"},
    answers={200: "How it is."},
    gives=StatusView,
)
async def status(call: Call) -> Reply:
    """Describe the daemon."""
    return json_reply(await call.core.status())


@routes.add(
    "GET",
    "/health",
    "Ask whether the daemon is healthy",
    scopes=OPEN,
    query={
        "live": Key(Present(), None, description="Ask only whether the process answers."),
    },
    answers={200: "It is healthy.", 503: "It is not, and why."},
    gives=HealthView,
)
async def health(call: Call) -> Reply:
    """Say whether the daemon is healthy; nobody is asked for a token."""
    if call.query["live"]:
        return json_reply(HealthView("alive"))
    reasons = await call.services.core.health()
    if not reasons:
        return json_reply(HealthView("healthy"))
    return problem(503, " ".join(reasons), reasons=reasons)


@routes.add(
    "POST",
    "/backup",
    "Write a copy of the database, encrypted as it is, while the daemon runs",
    scopes={"admin"},
    body=_BACKUP,
    answers={
        201: "Written.",
        400: "The name is not valid.",
        409: "There is a file of that name already.",
    },
    gives=BackupView,
)
async def backup(call: Call) -> Reply:
    """Write a backup; no body is needed."""
    return json_reply(await call.core.backup(call.body()["name"]), 201)
