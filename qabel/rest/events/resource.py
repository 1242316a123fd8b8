"""``/events``: what happens, as server-sent events."""

from qabel.contract.query import CURSOR
from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply
from qabel.contract.routes import Routes
from qabel.contract.schemas import TEXT
from qabel.core.journal.kinds import KINDS, kinds_for
from qabel.forms.compound import Key, ListOf
from qabel.forms.plain import Choice, Text
from qabel.rest.events.streams import CONTENT_TYPE
from qabel.rest.http.call import Call

routes = Routes("Events")


@routes.add(
    "GET",
    "/events",
    "Follow what happens; Last-Event-ID resumes with nothing lost",
    scopes={"read", "send", "settings"},
    for_one_identity=True,
    query={
        "since": Key(
            CURSOR,
            None,
            description="Begins after this cursor; now, if not given. 0 is the beginning.",
        ),
        "kinds": Key(
            ListOf(Choice(KINDS), len(KINDS), shortest=1),
            None,
            description="Only these kinds; all that the token allows, if not given.",
        ),
    },
    answers={
        200: "Events: `id` is the cursor, `event` the kind, `data` a JSON object.",
        410: "The cursor is not of this database, or is gone; `oldest` is the oldest there is.",
    },
    reads={
        # Some clients send it empty before they have an id.
        "Last-Event-ID": Key(
            Text(200),
            None,
            description="Start after this cursor; takes precedence over `since`.",
        ),
    },
    gives=TEXT,
    produces="text/event-stream",
)
async def follow(call: Call) -> Reply | None:
    """Tell of everything that happens, until one of the two hangs up."""
    allowed = kinds_for(call.access.scopes)
    kinds = frozenset(call.query["kinds"] or allowed)
    if not kinds <= allowed:
        raise rejected(403, "The token does not allow all of these kinds.")
    # A client that connects again goes on from where it was, whatever its first URL says.
    since = call.text_header("Last-Event-ID") or call.query["since"]
    follower = call.view.events.follow(since, kinds=kinds)
    if call.is_head:
        follower.close()
        return Reply(200, b"", CONTENT_TYPE)
    await call.services.streams.serve(call.request, follower)
    return None
