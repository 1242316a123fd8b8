"""Identities and contacts as people refer to them: by alias, id or public key.

``id:5`` is always an id and ``name:5`` always an alias, for those with names like ids.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.errors import CommandError, not_found, usage_error, wrong_keys
from qabel.cli.text import short_key

Person = Mapping[str, Any]

BY_ID, BY_NAME = "id:", "name:"

MOST_LISTED = 6
"""People who are listed in an error."""

_KEY = re.compile(r"[0-9A-Fa-f]{64}")


def find_identity(client: ApiClient, ref: str) -> Person:
    """Return one of the user's identities. Raises CommandError."""
    found = _matches(client.get("/identities"), ref, "identity")
    if len(found) == 1:
        return found[0]
    candidates = {
        each["id"]: f"{each['alias']}, key {short_key(each['public_key'])}" for each in found
    }
    raise _ambiguous(ref, candidates)


def find_contact(
    client: ApiClient, ref: str, identity: str | None = None, *, option: str = "--identity"
) -> Person:
    """Return a contact. Raises CommandError.

    Args:
        client: asks the daemon.
        ref: what the user wrote.
        identity: whose contact it is; None for anybody's.
        option: the option of the command that says whose it is.

    """
    contacts = client.get("/contacts")
    if identity is not None:
        owner = find_identity(client, identity)
        contacts = [each for each in contacts if each["identity_id"] == owner["id"]]
    found = _matches(contacts, ref, "contact")
    if len(found) == 1:
        return found[0]
    names, owners = Names(client), {each["identity_id"] for each in found}
    candidates = {
        each["id"]: f"{each['alias']}, contact of {names.identity(each['identity_id'])}, "
        f"key {short_key(each['public_key'])}"
        for each in found
    }
    raise _ambiguous(ref, candidates, f", or pass {option}" if len(owners) > 1 else "")


def is_key(ref: str) -> bool:
    """Return whether this is a public key, in hexadecimal digits."""
    return _KEY.fullmatch(ref) is not None


def parse_id(ref: str) -> int | None:
    """Return the id that is meant by ``5`` or ``id:5``; None if it is something else."""
    digits = ref.removeprefix(BY_ID)
    # No id has more digits than this.
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else None


def identity_id(client: ApiClient, ref: str | None) -> str | None:
    """Return the id of an identity; None stays None. Raises CommandError."""
    return None if ref is None else str(find_identity(client, ref)["id"])


@contextmanager
def choosing_identity(client: ApiClient) -> Iterator[None]:
    """Say how to choose, if a request fails because the user has several identities."""
    try:
        yield
    except CommandError as error:
        is_missing = wrong_keys(error) == ["identity"]
        people: Sequence[Person] = client.get("/identities") if is_missing else ()
        if len(people) < 2:
            raise
        listed = _listed({each["id"]: str(each["alias"]) for each in people})
        raise usage_error(f"You have several identities: {listed}", "Pass --identity") from None


def _ambiguous(ref: str, candidates: Mapping[int, str], more: str = "") -> CommandError:
    by_name = f" or {BY_NAME}{ref}" if parse_id(ref) in candidates else ""
    hint = f"Use {BY_ID}N{by_name}{more}"
    return usage_error(f"{ref!r} is ambiguous: {_listed(candidates)}", hint)


def _listed(candidates: Mapping[int, str]) -> str:
    shown = [f"{BY_ID}{number} ({name})" for number, name in candidates.items()]
    more = f" and {len(shown) - MOST_LISTED} more" if len(shown) > MOST_LISTED else ""
    return ", ".join(shown[:MOST_LISTED]) + more


def _matches(people: Sequence[Person], ref: str, what: str) -> Sequence[Person]:
    """Return who may be meant, at least one. Raises CommandError."""
    if ref.startswith(BY_NAME):
        found = _named(people, ref.removeprefix(BY_NAME))
    else:
        number = parse_id(ref)
        found = [each for each in people if each["id"] == number]
        if is_key(ref):
            found += [each for each in people if each["public_key"] == ref.lower()]
        if number is None or not ref.startswith(BY_ID):
            found += [each for each in _named(people, ref) if each not in found]
    if found:
        return found
    aliases = {str(each["alias"]).casefold(): str(each["alias"]) for each in people}
    near = get_close_matches(ref.casefold(), aliases, n=1)
    hint = f"Did you mean {aliases[near[0]]!r}?" if near else f"Run: qabel {what} list"
    raise not_found(f"No such {what}: {ref!r}", hint)


def _named(people: Sequence[Person], name: str) -> list[Person]:
    """Return who has a name; letter case counts only if it tells people apart."""
    exact = [each for each in people if each["alias"] == name]
    return exact or [
        each for each in people if _comparable(str(each["alias"])) == _comparable(name)
    ]


def _comparable(name: str) -> str:
    return name.strip().casefold()


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
