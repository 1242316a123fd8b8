"""``/modules``: the modules that run in the daemon."""

from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import Routes
from qabel.modules.host import ModuleView, SetAsideView
from qabel.rest.http.call import Call

routes = Routes("Modules")

SCOPES = {"status"}

_MODULES = list[ModuleView]
_SET_ASIDE = list[SetAsideView]
_NOT_FOUND = {404: "No such module."}


@routes.add(
    "GET",
    "/modules",
    "List the modules that are to run",
    operation="listModules",
    scopes=SCOPES,
    answers={200: "The modules."},
    returns=_MODULES,
)
def listed(call: Call) -> Reply:
    """List modules, with their states."""
    return json_reply(call.modules.all())


@routes.add(
    "GET",
    "/modules/<name:module>",
    "Get a module",
    operation="getModule",
    scopes=SCOPES,
    answers={200: "The module.", **_NOT_FOUND},
    returns=ModuleView,
)
def read(call: Call, module: str) -> Reply:
    """Return a module."""
    return json_reply(call.modules.get(module))


@routes.add(
    "GET",
    "/modules/<name:module>/set-aside",
    "List what a module could not deal with",
    operation="listSetAside",
    scopes=SCOPES,
    answers={200: "Messages and other entries, in the order of the event log.", **_NOT_FOUND},
    returns=_SET_ASIDE,
)
async def set_aside(call: Call, module: str) -> Reply:
    """Return what a module could not deal with; it is tried again when the daemon starts."""
    return json_reply(await call.modules.set_aside(module))


@routes.add(
    "POST",
    "/modules/<name:module>/rebuild",
    "Have a module make anew what it keeps of messages",
    operation="rebuildModule",
    scopes={"admin"},
    answers={
        202: "It has begun; the member `done` of the module says how far it is.",
        **_NOT_FOUND,
    },
    returns=ModuleView,
)
def rebuild(call: Call, module: str) -> Reply:
    """Begin a rebuild."""
    return json_reply(call.modules.rebuild(module), status=202)
