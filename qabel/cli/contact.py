"""``qabel contact``: whom you know."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.files import read_input, write_output
from qabel.cli.identity import FILE, FORCE, YES
from qabel.cli.names import IDENTITY_OPTION, Names, complete_contact, find_contact, identity_ref
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import count, moment

CONTACT = click.argument("contact", metavar="CONTACT", shell_complete=complete_contact)

_OUTCOME_STYLES = {"added": "green", "updated": "green", "refused": "red"}


@click.group(cls=Group, listed="list", short_help="Add, list, export and import contacts.")
def contact() -> None:
    """Your contacts: those whom your identities know, and can write to.

    CONTACT is an alias, an id or a public key.
    """


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
    """Add a contact by hand. A file from them is easier: qabel contact import FILE."""
    body: dict[str, Any] = {
        "alias": alias,
        "public_key": public_key,
        "drop_urls": list(drop_urls),
    }
    owner = identity_ref(session.client, identity)
    made = session.client.post("/contacts", body, identity=owner)
    session.out.done(f"Added {made['alias']} with id {made['id']}.", made)


@contact.command("list")
@IDENTITY_OPTION
@pass_session
def show_all(session: Session, identity: str | None) -> None:
    """List your contacts."""
    owner = identity_ref(session.client, identity)
    found = session.client.get("/contacts", identity=owner)
    names = Names(session.client)
    columns = [
        Column("ID", lambda each: each["id"]),
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("KNOWN TO", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH),
        Column("PUBLIC KEY", lambda each: each["public_key"]),
    ]
    session.out.rows(found, columns, "No contact yet: qabel contact import FILE adds some")


@contact.command("show")
@CONTACT
@IDENTITY_OPTION
@pass_session
def show(session: Session, contact: str, identity: str | None) -> None:
    """Show one contact, with its drop URLs."""
    found = find_contact(session.client, contact, identity)
    fields = [
        ("Id", found["id"]),
        ("Alias", found["alias"]),
        ("Public key", found["public_key"]),
        ("Drops", "\n".join(found["drop_urls"]) or "none"),
        ("Known to", Names(session.client).identity(found["identity_id"])),
        ("Added", moment(found["created"] * 1000)),
    ]
    session.out.record(found, fields)


@contact.command("rename")
@CONTACT
@click.argument("alias")
@IDENTITY_OPTION
@pass_session
def rename(session: Session, contact: str, alias: str, identity: str | None) -> None:
    """Give a contact another alias, for yourself."""
    found = find_contact(session.client, contact, identity)
    path = f"/contacts/{found['id']}"
    changed = session.client.patch(path, {"alias": alias})
    session.out.done(f"{found['alias']} is called {changed['alias']} now.", changed)


@contact.command("delete")
@CONTACT
@IDENTITY_OPTION
@YES
@pass_session
def delete(session: Session, contact: str, identity: str | None, *, yes: bool) -> None:
    """Delete a contact. What came from it stays in the inbox."""
    found = find_contact(session.client, contact, identity)
    session.confirm(f"Delete the contact {found['alias']}?", yes=yes)
    session.client.delete(f"/contacts/{found['id']}")
    session.out.done(f"Deleted {found['alias']}.", {"id": found["id"], "deleted": True})


@contact.command("export")
@CONTACT
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@IDENTITY_OPTION
@FORCE
@pass_session
def export(session: Session, contact: str, file: str, identity: str | None, *, force: bool) -> None:
    """Write a contact to FILE (.qco), for somebody else; standard output if none is given."""
    found = find_contact(session.client, contact, identity)
    document = session.client.request("GET", f"/contacts/{found['id']}/export").body
    write_output(file, document, force=force)
    if file != "-":
        session.out.done(f"Wrote {file}.", {"id": found["id"], "file": file})


@contact.command("import")
@FILE
@IDENTITY_OPTION
@pass_session
def take_in(session: Session, file: str, identity: str | None) -> None:
    """Take in contacts from FILE: a .qco file, or the text of a QR code; - is standard input."""
    data = read_input(file)
    owner = identity_ref(session.client, identity)
    with session.out.progress("taking in contacts"):
        outcomes = session.client.post_file("/contacts/import", data, identity=owner)
    columns = [
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("OUTCOME", lambda each: each["outcome"], _style),
        Column("ID", lambda each: each.get("id", "-")),
        Column("WHY", lambda each: each.get("reason", "")),
    ]
    session.out.rows(outcomes, columns, "There is no contact in this file")
    refused = [each for each in outcomes if each["outcome"] == "refused"]
    if refused:
        what = count(len(refused), "contact")
        raise CommandError(
            f"{what} of {len(outcomes)} could not be taken in", exit_status=ExitStatus.FAILURE
        )


def _style(outcome: Mapping[str, Any]) -> str:
    return _OUTCOME_STYLES.get(outcome["outcome"], "")
