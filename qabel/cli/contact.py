"""``qabel contact``: the people whom the user knows."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.block import block, blocked, unblock
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError
from qabel.cli.files import read_input, write_output
from qabel.cli.names import Names, find_contact, identity_id
from qabel.cli.parameters import CONTACT, FILE, FORCE, IDENTITY_OPTION, OPTIONAL_FILE, YES
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import count, moment

_OUTCOME_STYLES = {"added": "green", "updated": "green", "refused": "red"}


@click.group(cls=Group, default="list", short_help="Add, list, export and import contacts.")
def contact() -> None:
    """Your contacts: the people whom your identities can write to.

    CONTACT is an alias, an id or a public key.
    """


for _command in (block, unblock, blocked):
    contact.add_command(_command)


@contact.command("add")
@click.argument("alias")
@click.argument("public_key")
@click.argument("drop_urls", metavar="DROP_URL...", nargs=-1, required=True)
@IDENTITY_OPTION
@pass_session
def add(
    session: Session,
    alias: str,
    public_key: str,
    drop_urls: tuple[str, ...],
    identity: str | None,
) -> None:
    """Add a contact by hand.

    It is easier to import a contact file: qabel contact import FILE
    """
    body: dict[str, Any] = {
        "alias": alias,
        "public_key": public_key,
        "drop_urls": list(drop_urls),
    }
    owner = identity_id(session.client, identity)
    created = session.client.post("/contacts", body, identity=owner)
    session.out.done(f"Added {created['alias']} (id {created['id']}).", created)


@contact.command("list")
@IDENTITY_OPTION
@pass_session
def show_all(session: Session, identity: str | None) -> None:
    """List your contacts."""
    owner = identity_id(session.client, identity)
    found = session.client.get("/contacts", identity=owner)
    names = Names(session.client)
    columns = [
        Column("ID", lambda each: each["id"]),
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("IDENTITY", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH),
        Column("PUBLIC KEY", lambda each: each["public_key"]),
    ]
    session.out.rows(found, columns, "No contacts. Import some: qabel contact import FILE")


@contact.command("show")
@CONTACT
@IDENTITY_OPTION
@pass_session
def show(session: Session, contact: str, identity: str | None) -> None:
    """Show a contact and its drop URLs."""
    found = find_contact(session.client, contact, identity)
    fields = [
        ("Id", found["id"]),
        ("Alias", found["alias"]),
        ("Public key", found["public_key"]),
        ("Drops", "\n".join(found["drop_urls"]) or "none"),
        ("Identity", Names(session.client).identity(found["identity_id"])),
        ("Added", moment(found["created"] * 1000)),
    ]
    session.out.record(found, fields)


@contact.command("rename")
@CONTACT
@click.argument("alias")
@IDENTITY_OPTION
@pass_session
def rename(session: Session, contact: str, alias: str, identity: str | None) -> None:
    """Rename a contact. Only you see the new alias."""
    found = find_contact(session.client, contact, identity)
    changed = session.client.patch(f"/contacts/{found['id']}", {"alias": alias})
    session.out.done(f"Renamed {found['alias']} to {changed['alias']}.", changed)


@contact.command("delete")
@CONTACT
@IDENTITY_OPTION
@YES
@pass_session
def delete(session: Session, contact: str, identity: str | None, *, yes: bool) -> None:
    """Delete a contact. Messages from it stay in the inbox."""
    found = find_contact(session.client, contact, identity)
    session.confirm(f"Delete the contact {found['alias']}?", yes=yes)
    session.client.delete(f"/contacts/{found['id']}")
    session.out.done(f"Deleted {found['alias']}.", {"id": found["id"], "deleted": True})


@contact.command("export")
@CONTACT
@OPTIONAL_FILE
@IDENTITY_OPTION
@FORCE
@pass_session
def export(session: Session, contact: str, file: str, identity: str | None, *, force: bool) -> None:
    """Write a contact to FILE (.qco), for somebody else.

    Without FILE, it is written to standard output.
    """
    found = find_contact(session.client, contact, identity)
    document = session.client.request("GET", f"/contacts/{found['id']}/export").body
    write_output(file, document, force=force)
    if file != "-":
        session.out.done(f"Wrote {file}.", {"id": found["id"], "file": file})


@contact.command("import")
@FILE
@IDENTITY_OPTION
@pass_session
def import_(session: Session, file: str, identity: str | None) -> None:
    """Import contacts from FILE.

    FILE is a contact file (.qco), or the text of a QR code; with -, it is read from standard input.
    """
    data = read_input(file)
    owner = identity_id(session.client, identity)
    with session.out.progress("importing"):
        outcomes = session.client.post_file("/contacts/import", data, identity=owner)
    columns = [
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("OUTCOME", lambda each: each["outcome"], _style),
        Column("ID", lambda each: each.get("id", "-")),
        Column("REASON", lambda each: each.get("reason", "")),
    ]
    session.out.rows(outcomes, columns, "No contacts in this file")
    refused = [each for each in outcomes if each["outcome"] == "refused"]
    if refused:
        total = count(len(outcomes), "contact")
        raise CommandError(f"{len(refused)} of {total} could not be imported")


def _style(outcome: Mapping[str, Any]) -> str:
    return _OUTCOME_STYLES.get(outcome["outcome"], "")
