"""Imports of contacts: what becomes of each entry, and who stays where."""

from typing import Any

import pytest
from attrs import evolve

from qabel.core.people.contact_import import import_cards
from qabel.core.people.views import ImportedView, NamesakeView
from qabel.drop.cards import BadCard, ContactCard
from qabel.drop.url import DropURL
from qabel.settings.items import Contact
from qabel.settings.synced import SyncedSettings
from tests.core.items import contact, drop, identity, key

EVE = contact(7, 1, alias="Eve", drop_urls=(drop(1), drop(2)))
SYNCED = SyncedSettings(identities=(identity(1), identity(2)), contacts=(EVE,))


def card(number: int = 7, alias: str = "Eve", urls: tuple[DropURL, ...] = ()) -> ContactCard:
    """Return the card of who has one of several keys."""
    return ContactCard(alias, key(number).public_key, urls)


def take(
    *cards: ContactCard | BadCard, old: SyncedSettings = SYNCED, **given: Any
) -> tuple[dict[int, Contact], list[ImportedView]]:
    """Return the contacts by id, and the outcomes, of an import for the first identity."""
    new, views = import_cards(old, identity(1), cards, own=old.living_identities, now=9, **given)
    return {each.id: each for each in new.contacts}, views


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("urls", [(), (drop(1), drop(2)), (drop(2), drop(1), drop(2))])
def test_the_same_card(urls: tuple[DropURL, ...], replace: bool) -> None:
    """The order of drop URLs means nothing, and a card without any leaves those that are known."""
    contacts, [view] = take(card(urls=urls), replace=replace)
    assert (view.outcome, view.id) == ("same", 7)
    assert contacts == {7: EVE}


@pytest.mark.parametrize("replace", [False, True])
def test_another_alias_is_never_taken(replace: bool) -> None:
    """The alias is the user's: a card that has only another one differs, and changes nothing."""
    contacts, [view] = take(card(alias="Mallory"), replace=replace)
    assert view.outcome == "differs"
    assert contacts == {7: EVE}


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("is_known", [False, True])
def test_the_first_of_a_key_in_a_file_counts(is_known: bool, replace: bool) -> None:
    """Another entry of a file with the same key changes nothing of what the first one did."""
    old = SYNCED if is_known else evolve(SYNCED, contacts=())
    first, second = card(urls=(drop(1), drop(2))), card(urls=(drop(3),))
    contacts, views = take(first, second, first, old=old, replace=replace)
    assert [each.outcome for each in views] == ["same" if is_known else "added", "differs", "same"]
    [kept] = contacts.values()
    assert kept.drop_urls == (drop(1), drop(2))
    assert views[1].reason == "entry 1 of the file has the same key"


def test_the_first_replacement_in_a_file_counts() -> None:
    """Of two entries that would replace the same drop URLs only the first does."""
    contacts, views = take(card(urls=(drop(3),)), card(urls=(drop(4),)), replace=True)
    assert [each.outcome for each in views] == ["replaced", "differs"]
    assert contacts[7] == evolve(EVE, drop_urls=(drop(3),), updated=9)


def test_deleted_contacts_are_unknown() -> None:
    """A card of a contact that was deleted is added as a new one, and the old one is kept."""
    deleted = evolve(EVE, deleted=5)
    contacts, [view] = take(card(urls=(drop(3),)), old=evolve(SYNCED, contacts=(deleted,)))
    assert view.outcome == "added"
    assert view.id != 7
    assert contacts[7] == deleted


def test_contacts_of_another_identity() -> None:
    """A contact of another identity is no contact of this one, and is not changed."""
    other = evolve(EVE, my_identity=key(2).public_key)
    contacts, [view] = take(
        card(urls=(drop(3),)), old=evolve(SYNCED, contacts=(other,)), replace=True
    )
    assert view.outcome == "added"
    assert contacts[7] == other


def test_cards_of_own_identities() -> None:
    """A card of an own identity is added to another one only with its own drop URLs."""
    contacts, views = take(
        card(1, urls=(drop(1),)), card(2, urls=(drop(3),)), card(2, urls=(drop(2), drop(3)))
    )
    assert [each.outcome for each in views] == ["refused"] * 3
    assert contacts == {7: EVE}
    _, [view] = take(card(2, urls=(drop(2),)))
    assert view.outcome == "added"


def test_cards_of_own_identities_that_are_contacts() -> None:
    """A known own identity differs like any other contact, and is moved nowhere else."""
    bob = evolve(EVE, id=8, public_key=key(2).public_key, drop_urls=(drop(2),))
    both = evolve(SYNCED, contacts=(EVE, bob))
    contacts, [view] = take(card(2, urls=(drop(3),)), old=both)
    assert (view.outcome, view.id, contacts[8]) == ("differs", 8, bob)
    contacts, [view] = take(card(2, urls=(drop(3),)), old=both, replace=True)
    assert (view.outcome, contacts[8]) == ("refused", bob)


def test_a_known_name_with_another_key() -> None:
    """Who is added under the name of another contact is reported with the ids of those."""
    _, views = take(card(20, "EVE "), card(21, "eve"), card(22, "Ev\u200be"), card(23, "Eva"))
    assert [each.outcome for each in views] == ["added"] * 4
    assert [each.same_alias for each in views[:3]] == [
        [7],
        [7, views[0].id],
        [7, views[0].id, views[1].id],
    ]
    assert [each.namesake for each in views[:3]] == [NamesakeView(7, 0)] * 3
    assert not isinstance(views[3].same_alias, list)
    assert not isinstance(views[3].namesake, NamesakeView)


def test_the_verified_one_of_a_name() -> None:
    """Among several with one name, the verified one is who is known by it."""
    bob = evolve(EVE, id=8, public_key=key(8).public_key, verified=5)
    _, [view] = take(card(20), old=evolve(SYNCED, contacts=(EVE, bob)))
    assert (view.same_alias, view.namesake) == ([7, 8], NamesakeView(8, 5))


def test_entries_that_cannot_be_read() -> None:
    """An entry that is no contact is refused for its reason."""
    contacts, [view] = take(BadCard("Eve", "drop_urls is missing"))
    assert (view.number, view.alias, view.outcome) == (1, "Eve", "refused")
    assert view.reason == "drop_urls is missing"
    assert contacts == {7: EVE}


def test_a_replacement_that_is_not_valid() -> None:
    """Too many drop URLs are refused, and replace nothing."""
    urls = tuple(drop(number) for number in range(65))
    contacts, [view] = take(card(urls=urls), replace=True)
    assert (view.outcome, view.reason) == ("refused", "drop_urls: must have at most 64 entries")
    assert contacts == {7: EVE}


def test_a_card_without_a_name() -> None:
    """Whose card has no name is called by the key, and is the same when imported again."""
    blank = card(5, alias=" ", urls=(drop(1),))
    name = key(5).public_key.hex[:8]
    contacts, views = take(blank, blank)
    assert [each.outcome for each in views] == ["added", "same"]
    assert name in [each.alias for each in contacts.values()]
