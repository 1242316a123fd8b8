"""``/status``, ``/health`` and ``/backup``: how the daemon is, and a copy of what it keeps."""

from qabel.contract.query import flag
from qabel.contract.rejection import problem
from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import OPEN, Key, Routes
from qabel.contract.schemas import ref
from qabel.rest.http.call import Call

routes = Routes("Status")

_NAME = {"type": ["string", "null"], "pattern": r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"}


@routes.add(
    "GET",
    "/status",
    "See how the daemon is",
    scopes={"status"},
    answers={200: "How it is."},
    gives=ref("Status"),
)
async def status(call: Call) -> Reply:
    """Describe the daemon."""
    return json_reply(await call.core.status())


@routes.add(
    "GET",
    "/health",
    "Ask whether the daemon is well",
    scopes=OPEN,
    query=(flag("live", "Ask only whether the process answers."),),
    answers={200: "It is well.", 503: "It is not, and why."},
    gives=ref("Health"),
)
async def health(call: Call) -> Reply:
    """Tell whether the daemon is well; nobody is asked for a token."""
    if call.query["live"]:
        return json_reply({"status": "alive"})
    reasons = await call.core.health()
    if not reasons:
        return json_reply({"status": "healthy"})
    return problem(503, " ".join(reasons), reasons=reasons)


@routes.add(
    "POST",
    "/backup",
    "Write a copy of the database, encrypted as it is, while the daemon runs",
    scopes={"admin"},
    body=(Key("name", "The name of the file; made from the time if not given.", _NAME),),
    answers={201: "Written.", 400: "The name is not valid.", 409: "There is such a file."},
    gives=ref("Backup"),
)
async def backup(call: Call) -> Reply:
    """Write a backup; no body is needed."""
    has_body = call.header(b"Content-Type") is not None
    name = call.members().get("name") if has_body else None
    return json_reply(await call.core.backup(name), 201)
