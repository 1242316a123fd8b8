"""The conversation that the user means, by a contact, an identity or an id."""

import re
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from qabel.cli.api_client import ApiClient
from qabel.cli.errors import CommandError, ExitStatus, not_found, usage_error
from qabel.cli.names import Names, Person, find_contact, find_identity
from qabel.cli.text import short_key

_ID = re.compile(r"[0-9a-f]{32}")

NOBODY = "somebody unknown"
"""What somebody is called who has given no name."""


@frozen
class TalkedTo:
    """A conversation, and what its two sides are called."""

    id: str
    other: str
    own: str
    is_notes: bool = False
    contact_id: int | None = None
    draft: str | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The path of its messages."""
        return f"/chat/conversations/{self.id}/messages"


def find_conversation(
    client: ApiClient, ref: str | None, identity: str | None, *, notes: bool = False
) -> TalkedTo:
    """Return a conversation, which is opened if there is none yet. Raises CommandError.

    Args:
        client: asks the daemon.
        ref: a contact, one of the user's own identities, or the id of a conversation.
        identity: whose conversation it is; None for anybody's.
        notes: whether it is the one of an identity with itself.

    """
    if ref is not None and _ID.fullmatch(ref):
        return _by_id(client, ref)
    if notes or ref is None:
        return _notes(client, _only_identity(client, ref or identity))
    try:
        contact = find_contact(client, ref, identity)
    except CommandError as error:
        own = _own(client, ref, identity) if error.exit_status == ExitStatus.NOT_FOUND else None
        if own is None:
            raise
        return _notes(client, own)
    body = {"identity": contact["identity_id"], "contact": contact["id"]}
    return _talked_to(client, client.post("/chat/conversations", body))


def other_side(conversation: Mapping[str, Any]) -> str:
    """Return what the other side of a conversation or a request is called."""
    alias = conversation["alias"]
    if alias is not None and str(alias).strip():
        return str(alias)
    key = conversation.get("public_key")
    return NOBODY if key is None else f"<{short_key(key)}>"


def _by_id(client: ApiClient, number: str) -> TalkedTo:
    for each in client.get("/chat/conversations")["conversations"]:
        if each["id"] == number:
            return _talked_to(client, each)
    raise not_found(f"No such conversation: {number}", "Run: qabel chat")


def _own(client: ApiClient, ref: str, identity: str | None) -> Person | None:
    """Return the user's identity of a name; None if there is none, or another one is meant."""
    try:
        found = find_identity(client, ref)
        meant = found if identity is None else find_identity(client, identity)
    except CommandError:
        return None
    return found if found["id"] == meant["id"] else None


def _only_identity(client: ApiClient, ref: str | None) -> Person:
    if ref is not None:
        return find_identity(client, ref)
    found: list[Person] = client.get("/identities")
    if not found:
        raise usage_error("You have no identity yet", "Run: qabel identity new ALIAS")
    if len(found) > 1:
        raise usage_error("You have several identities", "Pass --identity")
    return found[0]


def _notes(client: ApiClient, identity: Person) -> TalkedTo:
    body = {"identity": identity["id"], "contact": identity["public_key"]}
    return _talked_to(client, client.post("/chat/conversations", body), is_notes=True)


def _talked_to(client: ApiClient, found: Mapping[str, Any], *, is_notes: bool = False) -> TalkedTo:
    return TalkedTo(
        id=found["id"],
        other=other_side(found),
        own=Names(client).identity(found["identity_id"]),
        is_notes=is_notes,
        contact_id=found["contact_id"],
        draft=found["draft"],
    )
