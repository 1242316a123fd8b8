"""Who the two sides of conversations are."""

import pytest
from attrs import evolve

from qabel.core.errors import Invalid, NotFound
from qabel.core.people.views import NamesakeView
from qabel.modules.api import KnownContact, KnownIdentity
from qabel.modules.chat.people import ChatPeople
from qabel.modules.chat.queries import Conversation
from qabel.modules.chat.views import ChatMessageView
from tests.modules.chat.journals import FRIEND, ME, STRANGER

ALICE = KnownIdentity(id=1, key=ME, alias="Alice")
BOB = KnownContact(id=7, identity=ME, key=FRIEND, alias="Bob")
PEOPLE = ChatPeople({ME: ALICE}, {(ME, FRIEND): BOB}, frozenset())

LAST = ChatMessageView(
    id=2, cursor="1-0", conversation="0" * 32, direction="in", sent=0, received=0, state=None,
    text="Hello", reply_to=None, attachment=None, incomplete=False, odd_time=False,
)  # fmt: skip


def conversation(contact: bytes, outgoing: int = 0) -> Conversation:
    """Return a conversation with one unread message."""
    return Conversation(bytes(16), ME, contact, 1, outgoing, 0, 0, 0, 0, None, 0, 0, 1, 2, LAST)


def test_references() -> None:
    """People are found by id or key; a contact only where it belongs."""
    for reference in (1, "1", ME.hex(), ME.hex().upper()):
        assert PEOPLE.identity(reference) == ALICE
    for reference in (7, "7", FRIEND.hex()):
        assert PEOPLE.contact(ALICE, reference) == BOB
    with pytest.raises(Invalid):
        PEOPLE.identity(7)
    with pytest.raises(Invalid):
        PEOPLE.contact(evolve(ALICE, key=STRANGER), 7)


def test_who_is_a_stranger() -> None:
    """Who is no contact, and was never written to, makes requests; the blocked make none."""
    friend, stranger = conversation(FRIEND), conversation(STRANGER)
    once_known = conversation(STRANGER, outgoing=1)
    assert PEOPLE.shown([friend, stranger, once_known]) == [friend, once_known]
    assert [PEOPLE.is_request(each) for each in (friend, stranger, once_known)] == [
        *(False, True, False)
    ]
    assert not evolve(PEOPLE, blocked=frozenset({STRANGER})).is_request(stranger)
    assert not PEOPLE.is_request(evolve(stranger, last=None))


def test_views() -> None:
    """A contact has the name that the user gave, others the one that they give themselves."""
    assert PEOPLE.conversation_view(conversation(FRIEND), "Robert").alias == "Bob"
    shown = PEOPLE.conversation_view(conversation(STRANGER), "Eve")
    assert (shown.alias, shown.contact_id, shown.identity_id) == ("Eve", None, 1)
    request = PEOPLE.request_view(conversation(STRANGER), None)
    assert (request.alias, request.introduced, request.public_key) == (None, False, STRANGER.hex())
    assert (request.same_alias, request.namesake) == ([], None)
    named = [evolve(BOB, verified=9), evolve(BOB, id=3)]
    doubtful = PEOPLE.request_view(conversation(STRANGER), "Bob", named)
    assert (doubtful.same_alias, doubtful.namesake) == ([7, 3], NamesakeView(7, 9))
    with pytest.raises(NotFound):
        evolve(PEOPLE, identities={}).conversation_view(conversation(FRIEND))
