"""Identities and contacts as people name them: by alias, id or public key; and names to show."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import click
from attrs import define, field
from click.shell_completion import CompletionItem

from qabel.cli.api_client import ApiClient
from qabel.cli.context import session_of
from qabel.cli.errors import CommandError, ExitStatus, not_found
from qabel.cli.text import short_key

Person = Mapping[str, Any]

_KEY = re.compile(r"[0-9A-Fa-f]{64}")


def find_identity(client: ApiClient, ref: str) -> Person:
    """Find one of the user's identities. Raises CommandError."""
    return _find(client.get("/identities"), ref, "identity", "qabel identity list")


def find_contact(client: ApiClient, ref: str, identity: str | None = None) -> Person:
    """Find a contact, of one identity if it is said which. Raises CommandError."""
    contacts = client.get("/contacts")
    if identity is not None:
        owner = find_identity(client, identity)
        contacts = [each for each in contacts if each["identity_id"] == owner["id"]]
    return _find(contacts, ref, "contact", "qabel contact list")


def identity_ref(client: ApiClient, ref: str | None) -> str | None:
    """Give the id of an identity as the daemon takes it; None stays None."""
    return None if ref is None else str(find_identity(client, ref)["id"])


def _find(people: Sequence[Person], ref: str, what: str, listing: str) -> Person:
    found = _matching(people, ref)
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(_told_apart(each) for each in found)
        hint = "give the id" if what == "identity" else "give the id, or --identity"
        raise CommandError(
            f"{ref!r} is the name of several: {ids}", hint=hint, exit_status=ExitStatus.USAGE
        )
    aliases = {str(each["alias"]).casefold(): str(each["alias"]) for each in people}
    near = get_close_matches(ref.casefold(), aliases, n=1)
    hint = f"did you mean {aliases[near[0]]!r}?" if near else f"see {listing}"
    raise not_found(f"there is no {what} {ref!r}", hint)


def _told_apart(person: Person) -> str:
    return f"{person['id']} ({person['alias']}, key {short_key(person['public_key'])})"


def _matching(people: Sequence[Person], ref: str) -> list[Person]:
    """Find who is meant: keys and ids first, then aliases, in other capitals only if need be."""
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
    """The names of those who write and are written to, looked up when first needed."""

    client: ApiClient
    _identities: dict[int, str] | None = None
    _contacts: dict[int, str] = field(factory=dict)

    @property
    def has_many_identities(self) -> bool:
        """Whether it need be said whose message it is."""
        return len(self._known()) > 1

    def identity(self, identity_id: object) -> str:
        """Give the name of one of the user's identities."""
        known = self._known()
        name = known.get(identity_id) if isinstance(identity_id, int) else None
        return name if name is not None else f"identity {identity_id}"

    def sender(self, message: Mapping[str, Any]) -> str:
        """Give the name of a message's sender: of strangers, the beginning of the key."""
        return self.contact(message.get("contact_id"), message.get("sender"))

    def contact(self, contact_id: object, key: object) -> str:
        """Give the name of a contact, or for a stranger the beginning of the key."""
        self._known()
        name = self._contacts.get(contact_id) if isinstance(contact_id, int) else None
        return name if name is not None else f"<{short_key(key)}>"

    def forget(self) -> None:
        """Look all names up again: they may have changed."""
        self._identities = None

    def _known(self) -> Mapping[int, str]:
        if self._identities is None:
            self._contacts = _aliases(self._listed("/contacts"))
            self._identities = _aliases(self._listed("/identities"))
        return self._identities

    def _listed(self, path: str) -> Iterable[Person]:
        try:
            people: Iterable[Person] = self.client.get(path)
        except CommandError as error:
            # With a token that may not see them, keys and ids do.
            if error.http_status != 403:
                raise
            return ()
        return people


def _aliases(people: Iterable[Person]) -> dict[int, str]:
    return {each["id"]: str(each["alias"]) for each in people}


def complete_identity(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of identities to a shell."""
    return _completions(ctx, "/identities", incomplete)


def complete_contact(
    ctx: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Offer the names of contacts to a shell."""
    return _completions(ctx, "/contacts", incomplete)


def _completions(ctx: click.Context, path: str, incomplete: str) -> list[CompletionItem]:
    try:
        people = session_of(ctx).client.get(path)
    except CommandError:
        return []
    aliases = sorted({str(each["alias"]) for each in people})
    # A line break in a name would be a suggestion of its own.
    return [
        CompletionItem(alias)
        for alias in aliases
        if alias.isprintable() and alias.casefold().startswith(incomplete.casefold())
    ]


IDENTITY_OPTION = click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    shell_complete=complete_identity,
    help="Which of your identities: alias, id or key. With only one it need not be said.",
)
