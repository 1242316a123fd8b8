"""The drop URLs of contacts, by the keys of sender and recipient."""

from attrs import evolve

from qabel.core.sending.address_book import address_book
from qabel.settings.synced import SyncedSettings
from tests.core.items import contact, drop, identity, key


def test_who_is_where() -> None:
    """A contact is found with its identity only; what is deleted is not found."""
    book = address_book(
        SyncedSettings(
            identities=(evolve(identity(1), deleted=5), identity(2)),
            contacts=(contact(3, 1), contact(4, 2), contact(5, 2, deleted=5)),
        )
    )
    found = {
        (owner, other): book(key(owner).public_key.raw, key(other).public_key.raw)
        for owner in (1, 2)
        for other in (3, 4, 5)
    }
    assert {each: urls for each, urls in found.items() if urls is not None} == {
        (1, 3): [str(drop(3))],
        (2, 4): [str(drop(4))],
    }
