"""``/chat/search``."""

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen

from qabel.core.errors import Invalid
from qabel.forms.compound import Key
from qabel.forms.errors import FieldError
from qabel.forms.plain import Integer, Text
from qabel.modules.api import ModuleCall, Reply, json_reply
from qabel.modules.chat import queries, sources
from qabel.modules.chat.excerpts import excerpt
from qabel.modules.chat.folding import Term
from qabel.modules.chat.numbers import ChatCursor, CursorForm, conversation_id
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import ChatMessage
from qabel.modules.chat.search import Search, cursor_of, place_of, search
from qabel.modules.chat.sources import Side
from qabel.modules.chat.subject import READ, REFERENCE, routes
from qabel.modules.chat.views import HitListView, HitView

MAX_QUERY = 1000
MAX_LIMIT = 200

_MOST_WITHOUT = 50
"""Conversations that the index leaves out; messages of further ones are left out afterwards."""


@routes.add(
    "GET",
    "/chat/search",
    "Search the messages of conversations, newest first",
    operation="searchMessages",
    scopes=READ,
    query={
        "q": Key(
            Text(MAX_QUERY, shortest=1),
            description="Words; each finds the words that begin with it, and all must be there. "
            "Case and accents make no difference.",
            examples=["hello"],
        ),
        "identity": Key(
            REFERENCE, None, description="Only messages of this identity: its id or public key."
        ),
        "contact": Key(
            REFERENCE,
            None,
            description="Only messages of conversations with this contact: its id or public key.",
        ),
        "before": Key(
            CursorForm(), None, description="Only hits behind the page with this cursor."
        ),
        "limit": Key(Integer(1, MAX_LIMIT), 50, description="The largest number of hits."),
    },
    answers={
        200: "The messages, without those of requests. `cursor` is for `before` of the next page.",
        400: "Unknown identity or contact.",
    },
    returns=HitListView,
)
async def found(call: ModuleCall) -> Reply:
    """Search messages."""
    query = call.query
    people = ChatPeople.of(call.messaging)
    sides = await sources.sides(call)
    where = _Where(people, sides, *_narrowed(people, sides, query["identity"], query["contact"]))
    before = None if query["before"] is None else ChatCursor(*query["before"])
    hits: list[ChatMessage] = []
    wanted: Sequence[Term] = ()
    while len(hits) < query["limit"]:
        limit = query["limit"] - len(hits)
        made = where.search(query["q"], before, limit)
        if made is None:
            break
        wanted = made.terms
        rows = await call.rows(made.sql, made.values)
        hits += await where.shown(call, [number for _, number in rows])
        if rows:
            before = cursor_of(rows[-1][0])
        if len(rows) < limit:
            break
    views = [_view(each, wanted) for each in hits]
    return json_reply(HitListView(views, str(before or ChatCursor())))


@frozen
class _Where:
    """What is searched."""

    people: ChatPeople
    sides: Sequence[Side] = field(repr=False)
    identity: bytes | None
    conversations: Sequence[bytes] | None

    def search(self, query: str, before: ChatCursor | None, limit: int) -> Search | None:
        """Return the statement for the next hits; None if there can be none."""
        hidden = [each for each in self.sides if not self._is_shown(each)]
        hidden.sort(key=lambda each: -each.messages)
        return search(
            query,
            identity=self.identity,
            conversations=self.conversations,
            without=[each.id for each in hidden[:_MOST_WITHOUT]],
            before=None if before is None else place_of(before),
            limit=limit,
        )

    async def shown(self, call: ModuleCall, ids: Sequence[int]) -> list[ChatMessage]:
        """Return messages in the order of their ids as given, without those of requests."""
        shown = {each.id.hex() for each in self.sides if self._is_shown(each)}
        messages = {each.view.id: each for each in await queries.messages(call, ids)}
        there = [messages[each] for each in ids if each in messages]
        return [each for each in there if each.view.conversation in shown]

    def _is_shown(self, side: Side) -> bool:
        return self.people.is_shown(side.identity, side.contact, side.outgoing)


def _narrowed(
    people: ChatPeople, sides: Sequence[Side], identity: Any, contact: Any
) -> tuple[bytes | None, Sequence[bytes] | None]:
    """Return the key of the only identity, and the only conversations. Raises Invalid."""
    owner = None if identity is None else people.identity(identity).key
    if contact is None:
        return owner, None
    name = str(contact).lower()
    pairs = {
        pair for pair, each in people.contacts.items() if name in (str(each.id), pair[1].hex())
    }
    # Who is no contact any more may have a conversation all the same.
    pairs |= {
        (each.identity, each.contact)
        for each in sides
        if each.contact.hex() == name
        and people.is_shown(each.identity, each.contact, each.outgoing)
    }
    if not pairs:
        error = FieldError("contact", "must be the id or the public key of a contact")
        raise Invalid("Unknown contact.", [error])
    # What is about another identity is no error: nothing is found.
    return owner, [conversation_id(*each) for each in pairs if owner in (None, each[0])]


def _view(message: ChatMessage, wanted: Sequence[Term]) -> HitView:
    part = excerpt(message.view.text, wanted)
    before = "…" if part.is_cut_before else ""
    behind = "…" if part.is_cut_behind else ""
    view = message.view
    return HitView(
        **{name: getattr(view, name) for name in view.__struct_fields__},
        context=f"{before}{part.text}{behind}",
        places=[[start + len(before), end + len(before)] for start, end in part.places],
    )
