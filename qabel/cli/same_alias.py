"""The warning about contacts with the name of another one."""

from collections.abc import Mapping
from typing import Any

from qabel.cli.context import Session


def warn_of_same_alias(session: Session, contact: Mapping[str, Any]) -> None:
    """Point out that a contact has the name of another one, but another key."""
    others = contact.get("same_alias")
    if others:
        session.out.note(
            f"Warning: {contact['alias']} (id {contact['id']}) has another key than your contact of"
            f" the same name, id {', '.join(map(str, others))}. It may be somebody else.",
            "yellow",
        )
