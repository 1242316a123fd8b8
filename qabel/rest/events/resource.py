"""``/events``: what happens, as server-sent events."""

from qabel.contract.query import some_of, text
from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply
from qabel.contract.routes import Header, Routes
from qabel.contract.schemas import STRING
from qabel.rest.events.streams import CONTENT_TYPE
from qabel.rest.http.call import Call

routes = Routes("Events")

KINDS = ("drop", "outbox", "settings", "synced")

_KINDS_OF_SCOPE = {
    "read": frozenset({"drop", "outbox"}),
    "send": frozenset({"outbox"}),
    "settings": frozenset({"settings", "synced"}),
    "admin": frozenset(KINDS),
}


@routes.add(
    "GET",
    "/events",
    "Follow what happens; Last-Event-ID resumes with nothing lost",
    scopes={"read", "send", "settings"},
    for_one_identity=True,
    query=(
        text("since", None, "Begins after this place; now, if not given. 0 is the beginning."),
        some_of("kinds", KINDS, "Only these kinds; all that the token allows, if not given."),
    ),
    answers={
        200: "Events: `id` is the place, `event` the kind, `data` a JSON object.",
        410: "The place is not of this database, or is gone; the oldest there is stands here.",
    },
    reads=(Header("Last-Event-ID", "Goes on after this place; counts before `since`."),),
    gives=STRING,
    produces="text/event-stream",
)
async def follow(call: Call) -> Reply | None:
    """Tell of everything that happens, until one of the two hangs up."""
    allowed = frozenset().union(
        *(_KINDS_OF_SCOPE.get(scope, frozenset()) for scope in call.access.scopes)
    )
    kinds: frozenset[str] = call.query["kinds"] or allowed
    if not kinds <= allowed:
        raise rejected(403, "The token does not allow to be told of all these kinds.")
    # A client that connects again goes on from where it was, whatever its first URL says.
    since = call.text_header(b"Last-Event-ID") or call.query["since"]
    follower = call.core.log.follow(since, kinds=kinds, identity=call.access.identity_id)
    if call.is_head:
        follower.close()
        return Reply(200, b"", CONTENT_TYPE)
    await call.services.streams.serve(call.request, follower)
    return None
