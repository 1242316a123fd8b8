"""Modules of a third party, for tests with real daemons."""

import time
from collections.abc import Sequence

from qabel.forms.compound import Key, Object
from qabel.forms.plain import Choice, Flag, Integer
from qabel.modules.api import (
    Entry,
    Heard,
    Module,
    ModuleCall,
    ModuleRead,
    ModuleTools,
    Prepared,
    Received,
    Reply,
    Routes,
    SettingsChanged,
    json_reply,
)

TABLE = """
CREATE TABLE probe (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL,
    message_id INTEGER REFERENCES messages ON DELETE CASCADE
) STRICT;
"""

routes = Routes("Probe")


@routes.add(
    "GET",
    "/probe",
    "List what was seen",
    operation="listProbe",
    scopes={"probe:read"},
    answers={200: "What was seen, the oldest first."},
    returns=list[str],
)
async def listed(call: ModuleCall) -> Reply:
    """List what was seen."""
    rows = await call.rows("SELECT what FROM probe ORDER BY id")
    return json_reply([row[0] for row in rows])


@routes.add(
    "GET",
    "/probe/now",
    "Return what the tools tell",
    operation="getProbe",
    scopes={"probe:read"},
    answers={200: "What the tools tell."},
    returns=list[str],
)
async def now(call: ModuleCall) -> Reply:
    """Hold up all requests for a moment, and return what the tools tell."""
    time.sleep(0.03)
    helper = call.tools.service("helper")
    aliases = [each.alias for each in call.tools.people.identities()]
    local = call.tools.settings.local
    return json_reply([local["sound"], None if helper is None else helper.greet(), *aliases])


def prepare(entries: Sequence[Entry], read: ModuleRead) -> Prepared:
    """Note each entry."""
    made = Prepared()
    for entry in entries:
        seq = entry.place.seq
        if isinstance(entry, Received):
            text = str(entry.data.get("text", ""))
            if text == "hang":
                time.sleep(3600)
            again = read.message(entry.message_id)
            what = f"received {text} {again == entry}"
            made.tell("new", {"id": entry.message_id}, about=entry)
        elif isinstance(entry, SettingsChanged):
            what = f"settings {read.tools.settings.local['sound']}"
        elif isinstance(entry, Heard):
            helper = read.tools.service("helper")
            what = f"heard {entry.kind} {helper is not None}"
        else:
            continue
        made.write("INSERT INTO probe (id, what) VALUES (?, ?)", (seq, what))
    return made


probe = Module(
    name="probe",
    summary="Tries what modules get.",
    kinds={"probe"},
    steps=[TABLE],
    derived=["probe"],
    routes=routes,
    settings=Object({"sound": Key(Choice(("bell", "none")), "bell"), "n": Key(Integer(0, 9), 5)}),
    contact_settings=Object({"pinned": Key(Flag(), default=False)}),
    hears={"helper.done"},
    prepare=prepare,
)


class Greeter:
    """What the module ``helper`` offers."""

    def __init__(self, tools: ModuleTools) -> None:
        self.name = tools.name

    def greet(self) -> str:
        """Return a greeting."""
        return f"Hello from {self.name}"


def help_along(entries: Sequence[Entry], read: ModuleRead) -> Prepared:
    """Tell of each message."""
    made = Prepared()
    for entry in entries:
        if isinstance(entry, Received):
            made.tell("done", {"id": entry.message_id}, about=entry)
    return made


helper = Module(
    name="helper",
    summary="Helps others.",
    kinds={"helper"},
    service=Greeter,
    prepare=help_along,
)

rival = Module(name="rival", summary="Wants the same.", kinds={"probe"}, prepare=help_along)
