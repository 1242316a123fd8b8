"""Notes: keeps the text of messages of the kind ``note``, and lists them."""

from collections.abc import Sequence

from qabel.modules.api import (
    Entry,
    Id,
    Module,
    ModuleCall,
    Prepared,
    Read,
    Received,
    Reply,
    Routes,
    View,
    json_reply,
)

TABLE = """
CREATE TABLE notes (
    id INTEGER PRIMARY KEY REFERENCES messages ON DELETE CASCADE,
    text TEXT NOT NULL
) STRICT;
"""


class NoteView(View):
    """A note, as clients see it."""

    id: Id
    text: str


routes = Routes("Notes")


@routes.add(
    "GET",
    "/notes",
    "List the notes",
    operation="listNotes",
    scopes={"notes:read"},
    answers={200: "The notes, oldest first."},
    returns=list[NoteView],
)
async def listed(call: ModuleCall) -> Reply:
    """List the notes."""
    rows = await call.rows("SELECT id, text FROM notes ORDER BY id")
    return json_reply([NoteView(*row) for row in rows])


def prepare(entries: Sequence[Entry], read: Read) -> Prepared:
    """Keep the text of each note that was received, and tell that it is there."""
    made = Prepared()
    for entry in entries:
        if isinstance(entry, Received):
            text = str(entry.data.get("text", ""))
            made.write("INSERT INTO notes (id, text) VALUES (?, ?)", (entry.message_id, text))
            made.tell("new", {"id": entry.message_id}, about=entry)
    return made


module = Module(
    name="notes",
    summary="Keeps notes that people send.",
    kinds={"note"},
    steps=[TABLE],
    derived=["notes"],
    routes=routes,
    prepare=prepare,
)
