"""The warning about contacts with the name of another one, and how to take it away."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.names import find_contact
from qabel.cli.parameters import CONTACT, IDENTITY_OPTION


def warn_of_same_alias(session: Session, contact: Mapping[str, Any]) -> None:
    """Point out that a contact has the name of another one, but another key.

    It is said until the user has verified the contact, or has dismissed the warning.
    """
    known = contact.get("namesake")
    if known:
        whom = ", whom you have verified" if known["verified"] else ""
        session.out.note(
            f"Warning: {contact['alias']} (id {contact['id']}) has another key than your contact of"
            f" the same name, id {known['id']}{whom}. It may be somebody else."
            f" Compare keys: qabel contact verify id:{contact['id']}."
            f" If both are right: qabel contact dismiss id:{contact['id']}",
            "yellow",
        )


def warn_of_stranger(session: Session, request: Mapping[str, Any]) -> None:
    """Point out that a stranger has the name of a contact, but another key."""
    known = request.get("namesake")
    if known:
        whom = ", whom you have verified" if known["verified"] else ""
        session.out.note(
            f"Warning: {request['alias']} (request {request['id'][:8]}) has another key than your"
            f" contact of the same name, id {known['id']}{whom}. It may be somebody else.",
            "yellow",
        )


@click.command("dismiss", cls=Command)
@CONTACT
@IDENTITY_OPTION
@pass_session
def dismiss(session: Session, contact: str, identity: str | None) -> None:
    """Dismiss the warning that a contact has the name of another one.

    You know then that they are two people, or two keys of one. The warning comes back if the
    contact gets another name that somebody has already.
    """
    found = find_contact(session.client, contact, identity)
    changed = session.client.patch(f"/contacts/{found['id']}", {"alias_checked": True})
    session.out.done(f"No more warning about {found['alias']} (id {found['id']}).", changed)
