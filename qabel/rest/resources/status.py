"""``/status``, ``/health`` and ``/backup``: the state of the daemon, and copies of its database."""

from qabel.contract.rejection import problem
from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import OPEN, Routes
from qabel.core.backups import BackupNameForm
from qabel.core.status.views import BackupView, DaemonStatusView, HealthView
from qabel.forms.compound import Key, Object, OrNull
from qabel.forms.plain import Present
from qabel.rest.http.call import Call

routes = Routes("Status")

_BACKUP = Object(
    {
        "name": Key(
            OrNull(BackupNameForm()),
            None,
            description="The file name. Default: the current time.",
        )
    }
)


@routes.add(
    "GET",
    "/status",
    "Get the state of the daemon",
    operation="getStatus",
    scopes={"status"},
    answers={200: "The state of the daemon."},
    returns=DaemonStatusView,
)
async def status(call: Call) -> Reply:
    """Return the state of the daemon."""
    return json_reply(await call.core.status())


@routes.add(
    "GET",
    "/health",
    "Check whether the daemon is healthy",
    operation="getHealth",
    scopes=OPEN,
    query={
        "live": Key(Present(), default=False, description="Check only that the process responds."),
    },
    answers={200: "Healthy.", 503: "Unhealthy, and why."},
    returns=HealthView,
)
async def health(call: Call) -> Reply:
    """Return whether the daemon is healthy; this needs no token."""
    if call.query["live"]:
        return json_reply(HealthView("alive"))
    reasons = await call.services.core.health()
    if not reasons:
        return json_reply(HealthView("healthy"))
    return problem(503, " ".join(reasons), reasons=reasons)


@routes.add(
    "POST",
    "/backup",
    "Back up the encrypted database while the daemon runs",
    operation="createBackup",
    scopes={"backup"},
    body=_BACKUP,
    answers={
        201: "Backup written.",
        400: "Invalid name.",
        409: "A file with this name exists already.",
    },
    returns=BackupView,
)
async def backup(call: Call) -> Reply:
    """Write a backup; the body is optional."""
    return json_reply(await call.core.backup(call.body()["name"]), 201)
