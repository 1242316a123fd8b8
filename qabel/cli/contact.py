"""``qabel contact``: the people whom the user knows."""

from typing import Any

import click

from qabel.cli.accept import accept
from qabel.cli.block import block, blocked, unblock
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.files import write_output
from qabel.cli.importing import import_
from qabel.cli.names import Names, choosing_identity, find_contact, identity_id
from qabel.cli.parameters import CONTACT, FORCE, IDENTITY_OPTION, OPTIONAL_FILE, YES
from qabel.cli.same_alias import dismiss, warn_of_same_alias
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.text import drop_urls as shown_drop_urls
from qabel.cli.units import moment

_FROM_MESSAGE = ", from a message"


@click.group(cls=Group, default="list", short_help="Add, list, export and import contacts.")
def contact() -> None:
    """Your contacts: the people whom your identities can write to.

    CONTACT is an alias, an id or a public key. For aliases that look like ids: id:5 is always an
    id, and name:5 always an alias.
    """


for _command in (accept, block, unblock, blocked, dismiss):
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
    with choosing_identity(session.client):
        created = session.client.post("/contacts", body, identity=owner)
    session.out.done(f"Added {created['alias']} (id {created['id']}).", created)
    warn_of_same_alias(session, created)


@contact.command("list")
@IDENTITY_OPTION
@pass_session
def show_all(session: Session, identity: str | None) -> None:
    """List your contacts."""
    owner = identity_id(session.client, identity)
    found = session.client.get("/contacts", identity=owner)
    names = Names(session.client)
    columns = [
        Column("ID", lambda each: each["id"], stays=True),
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("IDENTITY", lambda each: names.identity(each["identity_id"]), None, NAME_WIDTH),
        Column("VERIFIED", lambda each: "yes" if each["verified"] else "no", stays=True),
        Column("PUBLIC KEY", lambda each: each["public_key"]),
    ]
    session.out.rows(found, columns, "No contacts. Import some: qabel contact import FILE")
    for each in found:
        warn_of_same_alias(session, each)


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
        ("Drops", shown_drop_urls(found["drop_urls"])),
        ("Identity", Names(session.client).identity(found["identity_id"])),
        ("E-mail", found["email"] or "none"),
        ("Phone", found["phone"] or "none"),
        ("Verified", moment(found["verified"] * 1000) if found["verified"] else "no"),
        ("Added", moment(found["created"] * 1000) + (_FROM_MESSAGE if found["introduced"] else "")),
    ]
    session.out.record(found, fields)
    warn_of_same_alias(session, found)


@contact.command("verify")
@CONTACT
@IDENTITY_OPTION
@click.option("--undo", is_flag=True, help="Take the mark away.")
@YES
@pass_session
def verify(session: Session, contact: str, identity: str | None, *, undo: bool, yes: bool) -> None:
    """Compare keys with a contact, and mark it as verified.

    Both of you see the same digits and words, unless somebody came between you. Compare either of
    them where nobody can: face to face, or on the phone. With --yes, you have compared already.
    """
    found = find_contact(session.client, contact, identity)
    path = f"/contacts/{found['id']}/verification"
    if undo:
        session.client.delete(path)
        session.out.done(f"{found['alias']} is not verified.", {"id": found["id"], "verified": 0})
        return
    text = session.client.get(path)
    if not session.out.json:
        session.out.line(text["digits"])
        session.out.line(" ".join(text["words"]))
    session.confirm(f"Does {found['alias']} see the same?", yes=yes)
    marked = session.client.put(path, {"verified": True, "digits": text["digits"]})
    session.out.done(f"{found['alias']} is verified.", marked)


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


contact.add_command(import_)
