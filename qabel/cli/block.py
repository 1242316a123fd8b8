"""``qabel contact block``, ``unblock`` and ``blocked``: whose messages are passed over."""

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import not_found
from qabel.cli.names import find_contact, is_key
from qabel.cli.parameters import CONTACT, IDENTITY_OPTION
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment


@click.command("block", cls=Command)
@CONTACT
@IDENTITY_OPTION
@pass_session
def block(session: Session, contact: str, identity: str | None) -> None:
    """Pass over all messages of a contact, or of anybody's public key.

    They are neither shown nor acknowledged. You can still write to a contact that you blocked.
    """
    key = _key(session.client, contact, identity)
    blocked = session.client.post("/blocked", {"public_key": key})
    session.out.done(f"Blocked {contact}.", blocked)


@click.command("unblock", cls=Command)
@CONTACT
@IDENTITY_OPTION
@pass_session
def unblock(session: Session, contact: str, identity: str | None) -> None:
    """Receive the messages of a contact or public key again.

    Messages that are still on the drop server are received too.
    """
    key = _key(session.client, contact, identity)
    found = [each for each in session.client.get("/blocked") if each["public_key"] == key]
    if not found:
        raise not_found(f"{contact} is not blocked", "Run: qabel contact blocked")
    session.client.delete(f"/blocked/{found[0]['id']}")
    session.out.done(f"Unblocked {contact}.", {"public_key": key, "blocked": False})


@click.command("blocked", cls=Command)
@pass_session
def blocked(session: Session) -> None:
    """List the public keys whose messages are passed over."""
    aliases = {each["public_key"]: each["alias"] for each in session.client.get("/contacts")}
    columns = [
        Column(
            "ALIAS", lambda each: aliases.get(each["public_key"], "-"), lambda _: "bold", NAME_WIDTH
        ),
        Column("SINCE", lambda each: moment(each["created"]), stays=True),
        Column("PUBLIC KEY", lambda each: each["public_key"]),
    ]
    session.out.rows(session.client.get("/blocked"), columns, "Nobody is blocked")


def _key(client: ApiClient, who: str, identity: str | None) -> str:
    """Return the public key of a contact, or of whom a public key names."""
    return who.lower() if is_key(who) else str(find_contact(client, who, identity)["public_key"])
