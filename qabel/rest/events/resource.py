"""``/events``: the event log as server-sent events."""

from qabel.contract.access import ANY_MODULE
from qabel.contract.query import CURSOR
from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply
from qabel.contract.routes import Routes
from qabel.core.journal.kinds import EVENT_KIND, MOST_KINDS, permits
from qabel.forms.compound import Key, ListOf
from qabel.forms.plain import Text
from qabel.rest.events.event_views import EVENT, EVENT_TYPES
from qabel.rest.events.streams import CONTENT_TYPE, HEADERS
from qabel.rest.http.call import Call

routes = Routes("Events")


@routes.add(
    "GET",
    "/events",
    "Stream events as they happen; Last-Event-ID resumes without loss",
    operation="streamEvents",
    scopes={"read", "send", "contacts", "servers", "preferences", "settings", ANY_MODULE},
    for_one_identity=True,
    query={
        "since": Key(
            CURSOR,
            None,
            description="Start after this cursor: 0 for the beginning. Default: now.",
        ),
        "kinds": Key(
            ListOf(EVENT_KIND, MOST_KINDS, shortest=1),
            None,
            description="Only these kinds. Default: all that the token allows.",
        ),
    },
    answers={
        200: "Events, each as described: `id` is the cursor, `event` the kind, `data` is JSON.",
        410: "The cursor is unknown or expired; `oldest` is the oldest available one.",
    },
    reads={
        # Some clients send it empty before they have an id.
        "Last-Event-ID": Key(
            Text(200),
            None,
            description="Start after this cursor; takes precedence over `since`.",
        ),
    },
    returns=EVENT,
    parts=EVENT_TYPES,
    produces=(CONTENT_TYPE.decode(),),
)
async def follow(call: Call) -> Reply | None:
    """Send events until the client disconnects or the daemon stops."""
    kinds = frozenset(call.query["kinds"]) if call.query["kinds"] else None
    if kinds is not None and not all(permits(call.access.scopes, each) for each in kinds):
        raise rejected(403, "The token does not allow all of these kinds of events.")
    # A client that reconnects resumes where it was, although its URL still has ``since``.
    since = call.text_header("Last-Event-ID") or call.query["since"]
    follower = call.view.events.follow(since, kinds=kinds)
    if call.is_head:
        follower.close()
        return Reply(200, content_type=None, headers=HEADERS)
    await call.services.streams.serve(call.request, follower)
    return None
