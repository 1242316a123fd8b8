"""Views: whoever is restricted to one identity sees, sends and hears of nothing else."""

import json

import pytest
from attrs import frozen

from qabel.contract.access import EVERYTHING, Access, OneIdentity
from qabel.core.errors import Forbidden, Invalid, NotFound
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.core.view import CoreView
from tests.core.conftest import ClockedWorld


def limited(core: CoreService, number: int, *scopes: str) -> Access:
    """Return the access of a token for one identity."""
    only = OneIdentity(number, core.people.find(number).public_key.raw)
    return Access(frozenset(scopes or ("read", "send", "contacts")), only)


@frozen(eq=False)
class Household:
    """One core with two identities, each of which knows the other and has written to it."""

    core: CoreService
    own: CoreView
    """The view of the first identity."""


@pytest.fixture
def household(clocked: ClockedWorld) -> Household:
    """Return a core in which each of two identities has sent and received one message."""
    core = clocked.run(clocked.person("first"))
    clocked.run(core.people.add_identity("second"))
    for one, other in ((1, 2), (2, 1)):
        clocked.run(core.cards.import_contacts(one, core.cards.contact_file(other)))
    for sender, text in ((1, "from first"), (2, "from second")):
        [contact] = core.people.contacts(sender)
        clocked.run(core.outbox.send([contact.id], sender, Draft("chat", {"msg": text})))
    clocked.run(clocked.heard(core, consumer="test"))
    return Household(core, core.view(limited(core, 1)))


def test_without_a_restriction_everything_is_seen(household: Household) -> None:
    """The view of somebody who is restricted to no identity has all of them."""
    assert len(household.core.view(EVERYTHING).people.identities()) == 2


def test_people(household: Household) -> None:
    """A view has its own identity with its contacts; others are not found."""
    assert [each.alias for each in household.own.people.identities()] == ["first"]
    assert [each.alias for each in household.own.people.contacts()] == ["second"]
    with pytest.raises(NotFound):
        household.own.people.identity(2)
    with pytest.raises(NotFound):
        household.own.people.contact(2)


def test_cards(household: Household, clocked: ClockedWorld) -> None:
    """A view exports its own identity, and imports contacts for that one only."""
    assert b"first" in household.own.cards.export_identity(1)
    with pytest.raises(NotFound):
        household.own.cards.export_identity(2)
    with pytest.raises(Invalid):
        clocked.run(household.own.cards.import_contacts(2, b"{}"))


def test_inbox(household: Household, clocked: ClockedWorld) -> None:
    """A view reads the messages to its own identity, and may not ask for those to another."""
    page = clocked.run(household.own.inbox.read(MessageQuery()))
    [message] = json.loads(page.body or b"")
    assert message["data"] == {"msg": "from second"}
    everything = clocked.run(household.core.inbox.read(MessageQuery(consumer="all")))
    [other] = [each for each in json.loads(everything.body or b"") if each["id"] != message["id"]]
    assert clocked.run(household.own.inbox.message(message["id"])).identity_id == 1
    with pytest.raises(NotFound):
        clocked.run(household.own.inbox.message(other["id"]))
    with pytest.raises(Forbidden):
        clocked.run(household.own.inbox.read(MessageQuery(identity=2)))


def test_outbox(household: Household, clocked: ClockedWorld) -> None:
    """A view has what its own identity sent, and sends as that one only."""
    [own] = clocked.run(household.own.outbox.sends())
    assert own.identity_id == 1
    [other] = [each for each in clocked.run(household.core.outbox.sends()) if each.id != own.id]
    with pytest.raises(NotFound):
        clocked.run(household.own.outbox.get(other.id))
    with pytest.raises(NotFound):
        clocked.run(household.own.outbox.delete(other.id))
    assert clocked.run(household.core.outbox.get(other.id)) == other
    [contact] = household.core.people.contacts(2)
    with pytest.raises(Invalid):
        clocked.run(household.own.outbox.send([contact.id], 2, Draft("chat", {})))


def test_events(household: Household, clocked: ClockedWorld) -> None:
    """A view is told of what is about its own identity."""
    told, all_of_it = household.own.events.follow("0"), household.core.events.follow("0")
    own = clocked.run(told.next())
    assert own
    assert {each.identity and each.identity.id for each in own} == {1}
    everything = clocked.run(all_of_it.next())
    assert {each.identity and each.identity.id for each in everything} == {None, 1, 2}
