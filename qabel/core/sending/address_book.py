"""The drop URLs of contacts, for messages that are queued."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from qabel.settings.synced import SyncedSettings


def address_book(synced: SyncedSettings) -> Callable[[bytes, bytes], Sequence[str] | None]:
    """Return a function that returns a contact's drop URLs, or None if there is no such contact.

    Its arguments are the public keys of the identity and of the contact. The contacts of a deleted
    identity count: what it has sent already still goes out. It may be called in any thread, and
    costs nothing until then.
    """

    @cache
    def by_keys() -> Mapping[tuple[bytes, bytes], Sequence[str]]:
        return {
            (each.my_identity.raw, each.public_key.raw): [str(url) for url in each.drop_urls]
            for each in synced.contacts
            if each.living
        }

    return lambda identity, contact: by_keys().get((identity, contact))
