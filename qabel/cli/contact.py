"""``qabel contact``: the people whom the user knows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from qabel.cli.accept import accept
from qabel.cli.block import block, blocked, unblock
from qabel.cli.context import Group, Session, pass_session
from qabel.cli.errors import CommandError
from qabel.cli.files import read_input, write_output
from qabel.cli.names import Names, choosing_identity, find_contact, identity_id
from qabel.cli.parameters import CONTACT, FILE, FORCE, IDENTITY_OPTION, OPTIONAL_FILE, YES
from qabel.cli.same_alias import warn_of_same_alias
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.text import drop_urls as shown_drop_urls
from qabel.cli.units import count, moment

_OUTCOME_STYLES = {"added": "green", "replaced": "green", "differs": "yellow", "refused": "red"}

_OUTCOMES = ("added", "same", "replaced", "differs", "refused")

_FROM_MESSAGE = ", from a message"

MOST_LISTED = 5
"""Entries of a file that the error at the end of an import names."""

IMPORT_TIMEOUT = 300.0
"""Seconds without a byte from the daemon, which checks a whole file before it responds."""


@click.group(cls=Group, default="list", short_help="Add, list, export and import contacts.")
def contact() -> None:
    """Your contacts: the people whom your identities can write to.

    CONTACT is an alias, an id or a public key. For aliases that look like ids: id:5 is always an
    id, and name:5 always an alias.
    """


for _command in (accept, block, unblock, blocked):
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


@contact.command("import")
@FILE
@IDENTITY_OPTION
@click.option("--replace", is_flag=True, help="Take new drop URLs of contacts that you have.")
@pass_session
def import_(session: Session, file: str, identity: str | None, *, replace: bool) -> None:
    """Import contacts from FILE.

    FILE is a contact file (.qco), or the text of a QR code; with -, it is read from standard input.

    A contact that you have already is not changed: if FILE has another alias or other drop URLs for
    it, it is listed as differs. Pass --replace to take the drop URLs; ask the contact first whether
    they are right. Your alias always stays. The exit status is 1 if any entry was refused or
    differs.
    """
    data = read_input(file)
    owner = identity_id(session.client, identity)
    with choosing_identity(session.client), session.out.progress("importing"):
        outcomes = session.client.post_file(
            "/contacts/import",
            data,
            timeout=IMPORT_TIMEOUT,
            identity=owner,
            replace="1" if replace else None,
        )
    columns = [
        Column("NUMBER", lambda each: each["number"]),
        Column("ALIAS", lambda each: each["alias"], lambda _: "bold", NAME_WIDTH),
        Column("OUTCOME", lambda each: each["outcome"], _style),
        Column("ID", lambda each: each.get("id", "-")),
        Column("REASON", _reason),
    ]
    session.out.rows(outcomes, columns, "No contacts in this file")
    for each in outcomes:
        warn_of_same_alias(session, each)
    _summarize(session, outcomes)


def _summarize(session: Session, outcomes: Sequence[Mapping[str, Any]]) -> None:
    numbers = Counter(each["outcome"] for each in outcomes)
    text = ", ".join(f"{numbers[outcome]} {outcome}" for outcome in _OUTCOMES if numbers[outcome])
    total = count(len(outcomes), "contact")
    session.out.note(f"{total}: {text}" if text else "")
    if numbers["refused"] or numbers["differs"]:
        parts = [
            f"{numbers[outcome]} {what}"
            for outcome, what in (
                ("differs", "differ and were not changed"),
                ("refused", "refused"),
            )
            if numbers[outcome]
        ]
        parts[-1] += _listed(each for each in outcomes if each["outcome"] in ("differs", "refused"))
        hint = "To take new drop URLs: qabel contact import --replace FILE"
        raise CommandError(
            f"Of {total}, {' and '.join(parts)}", hint=hint if numbers["differs"] else ""
        )


def _listed(outcomes: Iterable[Mapping[str, Any]]) -> str:
    """Return the numbers and aliases of some entries, as a table may be long: ": 7 (Bob), …"."""
    names = [f"{each['number']} ({each['alias'] or 'no alias'})" for each in outcomes]
    more = ", …" if len(names) > MOST_LISTED else ""
    return f": {', '.join(names[:MOST_LISTED])}{more}"


def _reason(outcome: Mapping[str, Any]) -> str:
    """Return why an entry was refused, or how it differs from the contact."""
    known, card = outcome.get("known"), outcome.get("card")
    parts = [outcome["reason"]] if "reason" in outcome else []
    if known and card:
        if known["alias"] != card["alias"]:
            parts.append(f"you call it {known['alias']}")
        if card["drop_urls"] and set(known["drop_urls"]) != set(card["drop_urls"]):
            word = "had" if outcome["outcome"] == "replaced" else "has"
            old, new = _servers(known), _servers(card)
            parts.append(f"other drop URLs: {word} {old}, the file {new}")
    return "; ".join(parts)


def _servers(address: Mapping[str, Any]) -> str:
    """Return the servers of drop URLs: the rest of a URL is secret."""
    servers = [url.rpartition("/")[0] for url in address["drop_urls"]]
    return ", ".join(dict.fromkeys(servers)) or "none"


def _style(outcome: Mapping[str, Any]) -> str:
    return _OUTCOME_STYLES.get(outcome["outcome"], "")
