"""``qabel identity``: who you are."""

from typing import Any

import click

from qabel.cli import qr as codes
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError
from qabel.cli.files import read_input, write_output
from qabel.cli.names import complete_identity, find_identity
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

IDENTITY = click.argument("identity", metavar="IDENTITY", shell_complete=complete_identity)
FILE = click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True))
FORCE = click.option("--force", is_flag=True, help="Write over a file that is there already.")
YES = click.option("--yes", "-y", is_flag=True, help="Do not ask.")

_COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
    Column("PUBLIC KEY", lambda each: each["public_key"]),
    Column("DROPS", lambda each: len(each["drops"])),
]


@click.group(cls=Group, listed="list", short_help="Make, list, export and show your identities.")
def identity() -> None:
    """Your identities: key pairs with a drop each, under which others know you.

    IDENTITY is an alias, an id or a public key.
    """


@identity.command("new")
@click.argument("alias")
@click.option("--drop", "drops", multiple=True, metavar="URL", help="Receive here. Repeatable.")
@pass_session
def new(session: Session, alias: str, drops: tuple[str, ...]) -> None:
    """Make an identity: a key pair, and a drop on your first active drop server."""
    body: dict[str, Any] = {"alias": alias}
    if drops:
        body["drops"] = list(drops)
    try:
        made = session.client.post("/identities", body)
    except CommandError as error:
        if error.http_status == 409:
            error.hint = "qabel server add URL"
        raise
    session.out.done(f"Made {made['alias']} with id {made['id']}.", made)
    session.out.note(f"Hand yourself to others with: qabel identity card {made['id']} FILE, or qr")


@identity.command("list")
@pass_session
def show_all(session: Session) -> None:
    """List your identities."""
    found = session.client.get("/identities")
    session.out.rows(found, _COLUMNS, "No identity yet: qabel identity new ALIAS makes one")


@identity.command("show")
@IDENTITY
@pass_session
def show(session: Session, identity: str) -> None:
    """Show one identity, with its drop URLs."""
    found = find_identity(session.client, identity)
    fields = [
        ("Id", found["id"]),
        ("Alias", found["alias"]),
        ("Public key", found["public_key"]),
        ("Drops", "\n".join(found["drops"]) or "none"),
        ("Made", moment(found["created"] * 1000)),
    ]
    session.out.record(found, fields)


@identity.command("rename")
@IDENTITY
@click.argument("alias")
@pass_session
def rename(session: Session, identity: str, alias: str) -> None:
    """Give an identity another alias."""
    found = find_identity(session.client, identity)
    path = f"/identities/{found['id']}"
    changed = session.client.patch(path, {"alias": alias})
    session.out.done(f"{found['alias']} is called {changed['alias']} now.", changed)


@identity.command("delete")
@IDENTITY
@YES
@pass_session
def delete(session: Session, identity: str, *, yes: bool) -> None:
    """Delete an identity. Nothing for it is received any more; old messages stay."""
    found = find_identity(session.client, identity)
    session.confirm(f"Delete {found['alias']} and its private key?", yes=yes)
    session.client.delete(f"/identities/{found['id']}")
    session.out.done(f"Deleted {found['alias']}.", {"id": found["id"], "deleted": True})


@identity.command("export")
@IDENTITY
@FILE
@FORCE
@pass_session
def export(session: Session, identity: str, file: str, *, force: bool) -> None:
    """Write an identity with its private key to FILE (.qid); - is standard output.

    Who has this file is you. Keep it as you keep a key.
    """
    found = find_identity(session.client, identity)
    document = session.client.request("GET", f"/identities/{found['id']}/export").body
    write_output(file, document, secret=True, force=force)
    if file != "-":
        session.out.done(
            f"Wrote {file}. It holds the private key: keep it secret.",
            {"id": found["id"], "file": file},
        )


@identity.command("import")
@FILE
@pass_session
def take_in(session: Session, file: str) -> None:
    """Take in an identity from FILE (.qid); - is standard input."""
    data = read_input(file)
    with session.out.progress("taking it in"):
        made = session.client.post_file("/identities/import", data)
    session.out.done(f"Took in {made['alias']} with id {made['id']}.", made)


@identity.command("card")
@IDENTITY
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@FORCE
@pass_session
def card(session: Session, identity: str, file: str, *, force: bool) -> None:
    """Write what others need to write to you to FILE (.qco). There is no secret in it."""
    found = find_identity(session.client, identity)
    document = session.client.request("GET", f"/identities/{found['id']}/contact").body
    write_output(file, document, force=force)
    if file != "-":
        session.out.done(f"Wrote {file}: hand it to others.", {"id": found["id"], "file": file})


@identity.command("qr")
@IDENTITY
@click.option("--output", "-o", "file", metavar="FILE", help="Write a .svg or .png file instead.")
@click.option("--invert", is_flag=True, help="Swap dark and light.")
@FORCE
@pass_session
def qr(session: Session, identity: str, file: str | None, *, invert: bool, force: bool) -> None:
    """Show the QR code by which others add you as a contact."""
    found = find_identity(session.client, identity)
    text = codes.contact_text(found)
    if file is not None:
        _, _, kind = file.rpartition(".")
        write_output(file, codes.image(text, kind.lower()), force=force)
        session.out.done(f"Wrote {file}.", {"id": found["id"], "file": file})
    elif session.out.json:
        session.out.value({"id": found["id"], "text": text})
    else:
        codes.show(text, session.out, invert=invert)
