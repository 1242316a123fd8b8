"""Identities and contacts as people refer to them: by alias, id or public key."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.errors import CommandError, not_found, usage_error
from qabel.cli.text import short_key

Person = Mapping[str, Any]

_KEY = re.compile(r"[0-9A-Fa-f]{64}")


def find_identity(client: ApiClient, ref: str) -> Person:
    """Return one of the user's identities. Raises CommandError."""
    return _find(client.get("/identities"), ref, "identity", "qabel identity list")


def find_contact(client: ApiClient, ref: str, identity: str | None = None) -> Person:
    """Return a contact, of one identity if that is given. Raises CommandError."""
    contacts = client.get("/contacts")
    if identity is not None:
        owner = find_identity(client, identity)
        contacts = [each for each in contacts if each["identity_id"] == owner["id"]]
    return _find(contacts, ref, "contact", "qabel contact list")


def is_key(ref: str) -> bool:
    """Return whether this is a public key, in hexadecimal digits."""
    return _KEY.fullmatch(ref) is not None


def identity_id(client: ApiClient, ref: str | None) -> str | None:
    """Return the id of an identity; None stays None. Raises CommandError."""
    return None if ref is None else str(find_identity(client, ref)["id"])


def _find(people: Sequence[Person], ref: str, what: str, listing: str) -> Person:
    found = _matches(people, ref)
    if len(found) == 1:
        return found[0]
    if found:
        candidates = ", ".join(_distinguished(each) for each in found)
        hint = "Use the id" if what == "identity" else "Use the id, or pass --identity"
        raise usage_error(f"{ref!r} is ambiguous: {candidates}", hint)
    aliases = {str(each["alias"]).casefold(): str(each["alias"]) for each in people}
    near = get_close_matches(ref.casefold(), aliases, n=1)
    hint = f"Did you mean {aliases[near[0]]!r}?" if near else f"Run: {listing}"
    raise not_found(f"No such {what}: {ref!r}", hint)


def _distinguished(person: Person) -> str:
    return f"{person['id']} ({person['alias']}, key {short_key(person['public_key'])})"


def _matches(people: Sequence[Person], ref: str) -> list[Person]:
    """Return who is meant: by id or key first, then by alias, and by its letter case last."""
    tests: list[Callable[[Person], bool]] = [
        lambda each: each["alias"] == ref,
        lambda each: str(each["alias"]).casefold() == ref.casefold(),
    ]
    if _KEY.fullmatch(ref):
        tests.insert(0, lambda each: each["public_key"] == ref.lower())
    if ref.isascii() and ref.isdecimal():
        tests.insert(0, lambda each: str(each["id"]) == ref)
    for test in tests:
        found = [each for each in people if test(each)]
        if found:
            return found
    return []


@define
class Names:
    """The names of identities and contacts, looked up when they are first needed."""

    client: ApiClient
    _identities: dict[int, str] | None = None
    _contacts: dict[int, str] = field(factory=dict)

    @property
    def has_many_identities(self) -> bool:
        """Whether there is more than one identity that a message may be for."""
        return len(self._looked_up()) > 1

    def identity(self, identity_id: object) -> str:
        """Return the name of one of the user's identities."""
        known = self._looked_up()
        name = known.get(identity_id) if isinstance(identity_id, int) else None
        return name if name is not None else f"identity {identity_id}"

    def sender(self, message: Mapping[str, Any]) -> str:
        """Return the name of the sender of a message; for strangers, a short key."""
        return self.contact(message.get("contact_id"), message.get("sender"))

    def contact(self, contact_id: object, key: object) -> str:
        """Return the name of a contact; for strangers, a short key."""
        self._looked_up()
        name = self._contacts.get(contact_id) if isinstance(contact_id, int) else None
        return name if name is not None else f"<{short_key(key)}>"

    def is_contacts(self, alias: str) -> bool:
        """Return whether some contact has this name."""
        self._looked_up()
        name = alias.strip().casefold()
        return any(each.strip().casefold() == name for each in self._contacts.values())

    def forget(self) -> None:
        """Look all names up again when they are next needed: they may have changed."""
        self._identities = None

    def _looked_up(self) -> Mapping[int, str]:
        if self._identities is None:
            self._contacts = _aliases(self._people("/contacts"))
            self._identities = _aliases(self._people("/identities"))
        return self._identities

    def _people(self, path: str) -> Iterable[Person]:
        try:
            people: Iterable[Person] = self.client.get(path)
        except CommandError as error:
            # The token may not list them: keys and ids are shown instead.
            if error.http_status != 403:
                raise
            return ()
        return people


def _aliases(people: Iterable[Person]) -> dict[int, str]:
    return {each["id"]: str(each["alias"]) for each in people}
