"""``qabel identity``: the user's identities."""

from collections.abc import Mapping
from typing import Any

import click

from qabel.cli import qr as qr_codes
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.files import read_input, write_output
from qabel.cli.names import find_identity, parse_id
from qabel.cli.parameters import FILE, FORCE, IDENTITY, OPTIONAL_FILE, YES
from qabel.cli.server_findings import found_at
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.text import drop_urls
from qabel.cli.units import moment
from qabel.drop.url import DropURL

_COLUMNS = [
    Column("ID", lambda each: each["id"], stays=True),
    Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
    Column("PUBLIC KEY", lambda each: each["public_key"]),
    Column("DROPS", lambda each: len(each["drops"] or ()), stays=True),
]


@click.group(cls=Group, default="list", short_help="Create, list, export and import identities.")
def identity() -> None:
    """Your identities: key pairs with drops, by which others know you.

    IDENTITY is an alias, an id or a public key. For aliases that look like ids: id:5 is always an
    id, and name:5 always an alias.
    """


@identity.command("new")
@click.argument("alias")
@click.option(
    "--drop", "drops", multiple=True, metavar="URL", help="Use this existing drop. Repeatable."
)
@pass_session
def new(session: Session, alias: str, drops: tuple[str, ...]) -> None:
    """Create an identity.

    It has a new key pair and, unless you pass --drop, a new drop on your first active drop server.
    """
    body: dict[str, Any] = {"alias": alias}
    if drops:
        body["drops"] = list(drops)
    try:
        created = session.client.post("/identities", body)
    except CommandError as error:
        if error.http_status == 409 and not drops:
            error.message = "There is no active drop server on which it could receive"
            error.hint = "Run: qabel server add URL"
        raise
    number = created["id"]
    session.out.done(f"Created {created['alias']} (id {number}).", created)
    session.out.note(
        f"So that others can write to you: qabel identity card id:{number} FILE, "
        f"or qabel identity qr id:{number}"
    )
    if not drops:
        _note_sharing(session, created)
        _warn_of_server(session, created)


def _note_sharing(session: Session, created: Mapping[str, Any]) -> None:
    """Say whether the drop of a new identity is shared, if drops are to be."""
    try:
        is_wanted = session.client.get("/settings")["privacy"]["shared_drops"]
    except CommandError:
        return  # The token may not read the settings.
    urls = [DropURL.parse(url) for url in created["drops"] or ()]
    if not is_wanted or not urls:
        return
    if all(url.is_shared for url in urls):
        session.out.note("Its drop is shared with others by chance (privacy.shared_drops).")
    else:
        session.out.warning(
            f"Its drop is not shared with others: the drop server at {urls[0].host} does not ask "
            "for that, or did not answer (privacy.shared_drops)."
        )


def _warn_of_server(session: Session, created: Mapping[str, Any]) -> None:
    """Point out that the drop server of a new identity does not work."""
    for url in created["drops"] or ():
        try:
            result = found_at(session, url.rpartition("/")[0])
        except CommandError:
            continue
        if result is not None and not result["ok"]:
            session.out.warning(
                f"Warning: nothing can be received yet. {result['url']}: {result['detail']} "
                "For identities on another one: qabel server prefer URL"
            )


@identity.command("list")
@pass_session
def show_all(session: Session) -> None:
    """List your identities."""
    found = session.client.get("/identities")
    session.out.rows(found, _COLUMNS, "No identities. Create one: qabel identity new ALIAS")


@identity.command("show")
@IDENTITY
@pass_session
def show(session: Session, identity: str) -> None:
    """Show an identity and its drop URLs."""
    found = find_identity(session.client, identity)
    fields = [
        ("Id", found["id"]),
        ("Alias", found["alias"]),
        ("Public key", found["public_key"]),
        ("Drops", drop_urls(found["drops"])),
        ("E-mail", found["email"] or "none"),
        ("Phone", found["phone"] or "none"),
        ("Created", moment(found["created"] * 1000)),
    ]
    session.out.record(found, fields)


@identity.command("rename")
@IDENTITY
@click.argument("alias")
@pass_session
def rename(session: Session, identity: str, alias: str) -> None:
    """Rename an identity."""
    found = find_identity(session.client, identity)
    changed = session.client.patch(f"/identities/{found['id']}", {"alias": alias})
    session.out.done(f"Renamed {found['alias']} to {changed['alias']}.", changed)


@identity.command("delete")
@IDENTITY
@click.option(
    "--purge",
    is_flag=True,
    help="Delete its private key, messages, contacts and tokens, too, for good. IDENTITY may be "
    "the id of a deleted one.",
)
@YES
@pass_session
def delete(session: Session, identity: str, *, purge: bool, yes: bool) -> None:
    """Delete an identity. Its messages are kept, but no new ones are received."""
    if purge:
        _purge(session, identity, yes=yes)
        return
    found = find_identity(session.client, identity)
    session.confirm(f"Delete {found['alias']} and its private key?", yes=yes)
    session.client.delete(f"/identities/{found['id']}")
    session.out.done(f"Deleted {found['alias']}.", {"id": found["id"], "deleted": True})


def _purge(session: Session, identity: str, *, yes: bool) -> None:
    # Deleted identities are not listed; only their ids are known.
    number = parse_id(identity)
    try:
        found = find_identity(session.client, identity)
        number, name = found["id"], found["alias"]
    except CommandError as error:
        if number is None or error.exit_status != ExitStatus.NOT_FOUND:
            raise
        name = f"identity {number}"
    session.confirm(
        f"Delete {name} for good, with its private key, all messages that it received or sent, "
        "its contacts and tokens? Nothing of it can be restored, except from backups.",
        yes=yes,
    )
    session.client.delete(f"/identities/{number}?purge=1")
    session.out.done(f"Purged {name}.", {"id": number, "purged": True})


@identity.command("export")
@IDENTITY
@FILE
@FORCE
@pass_session
def export(session: Session, identity: str, file: str, *, force: bool) -> None:
    """Write an identity, with its private key, to FILE (.qid).

    With - as FILE, it is written to standard output. Anybody who has this file can act as you:
    keep it secret.
    """
    found = find_identity(session.client, identity)
    document = session.client.request("GET", f"/identities/{found['id']}/export").body
    write_output(file, document, secret=True, force=force)
    if file != "-":
        session.out.done(
            f"Wrote {file}. It contains the private key: keep it secret.",
            {"id": found["id"], "file": file},
        )


@identity.command("import")
@FILE
@click.option(
    "--allow-private",
    is_flag=True,
    help="Take drop URLs on this machine or in a private network.",
)
@pass_session
def import_(session: Session, file: str, *, allow_private: bool) -> None:
    """Import an identity from FILE (.qid).

    With - as FILE, it is read from standard input.
    """
    data = read_input(file)
    with session.out.progress("importing"):
        created = session.client.post_file(
            "/identities/import", data, allow_private="1" if allow_private else None
        )
    session.out.done(f"Imported {created['alias']} (id {created['id']}).", created)
    for warning in created["warnings"]:
        session.out.note(f"Warning: {warning}", "yellow")


@identity.command("card")
@IDENTITY
@OPTIONAL_FILE
@FORCE
@pass_session
def card(session: Session, identity: str, file: str, *, force: bool) -> None:
    """Write the contact file (.qco) that others import to write to you.

    It contains no secrets. Without FILE, it is written to standard output.
    """
    found = find_identity(session.client, identity)
    document = session.client.request("GET", f"/identities/{found['id']}/contact").body
    write_output(file, document, force=force)
    if file != "-":
        session.out.done(f"Wrote {file}: send it to others.", {"id": found["id"], "file": file})


@identity.command("qr")
@IDENTITY
@click.option("--output", "-o", "file", metavar="FILE", help="Write an .svg or .png file instead.")
@click.option("--invert", is_flag=True, help="Swap dark and light.")
@FORCE
@pass_session
def qr(session: Session, identity: str, file: str | None, *, invert: bool, force: bool) -> None:
    """Show the QR code that others scan to add you as a contact."""
    found = find_identity(session.client, identity)
    text = qr_codes.contact_text(found)
    if file is not None:
        _, _, kind = file.rpartition(".")
        write_output(file, qr_codes.image(text, kind.lower()), force=force)
        session.out.done(f"Wrote {file}.", {"id": found["id"], "file": file})
    elif session.out.json:
        session.out.value({"id": found["id"], "text": text})
    else:
        qr_codes.show(text, session.out, invert=invert)
