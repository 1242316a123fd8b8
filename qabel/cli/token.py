"""``qabel token``: which programs may use the REST API over TCP, and what for."""

import click

from qabel.cli.context import Group, Session, pass_session, read_token
from qabel.cli.errors import not_found
from qabel.cli.names import find_identity
from qabel.cli.parameters import YES
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

SCOPES = {
    "status": "the state of the daemon, and its metrics",
    "read": "messages and the outbox; names of identities and contacts",
    "send": "sending, and what was sent with the same token; names of contacts",
    "delete": "deleting messages",
    "contacts": "identities and contacts, without private keys",
    "keys": "export and import of private keys, and purging identities",
    "preferences": "the local settings",
    "servers": "drop servers, without their group tokens",
    "backup": "backups of the encrypted database",
    "sessions": "listing and revoking tokens",
    "settings": "both settings documents, with private keys: as good as admin",
    "admin": "everything",
}
"""All scopes, and what each allows."""

_COLUMNS = [
    Column("ID", lambda each: each["id"], stays=True),
    Column("NAME", lambda each: each["name"], lambda _: "bold", NAME_WIDTH),
    Column("SCOPES", lambda each: ", ".join(each["scopes"])),
    Column("IDENTITY", lambda each: "any" if each["identity_id"] is None else each["identity_id"]),
    Column("CREATED", lambda each: moment(each["created"])),
    Column("LAST USED", lambda each: moment(each["last_used"])),
]


@click.group(cls=Group, default="list", short_help="Manage access tokens for the REST API.")
def token() -> None:
    """Access tokens, which programs need to use the REST API over TCP.

    The main token, in the daemon's data directory, allows everything. Other tokens can be limited.
    """


@token.command("list")
@pass_session
def listed(session: Session) -> None:
    """List all tokens but the main one, without their values."""
    found = session.client.get("/tokens")
    session.out.rows(
        found, _COLUMNS, "No other tokens. Create one: qabel token new NAME --scope read"
    )


_NEW = "Create a token and print it. It cannot be shown again.\n\n\b\nScopes:\n" + "\n".join(
    f"  {scope:<12} {allows}" for scope, allows in SCOPES.items()
)


@token.command("new", help=_NEW)
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(list(SCOPES)),
    metavar="SCOPE",
    help="What the token allows. Repeatable.",
)
@click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    help="Limit the token to this one of your identities (scopes read, send, delete and contacts "
    "only). It ends with the identity.",
)
@pass_session
def new(session: Session, name: str, scopes: tuple[str, ...], identity: str | None) -> None:
    """Create a token and print it."""
    body: dict[str, object] = {"name": name, "scopes": list(scopes)}
    if identity is not None:
        body["identity"] = find_identity(session.client, identity)["id"]
    created = session.client.post("/tokens", body)
    session.out.done(created["token"], created)
    session.out.note(f"This is token {created['id']}. It cannot be shown again.")


@token.command("show")
@pass_session
def show(session: Session) -> None:
    """Print the main token.

    \b
    Example:
      curl -H "Authorization: Bearer $(qabel token show)" http://127.0.0.1:9696/status
    """  # noqa: D301 - click keeps the lines after this character as they are
    if not session.token_path.exists():
        raise not_found(
            f"No main token in {session.data_directory}",
            "The daemon creates it when it first starts; or pass --data-dir",
        )
    value = read_token(session.token_path)
    session.out.done(value, {"token": value})


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.IntRange(min=0))
@YES
@pass_session
def revoke(session: Session, token_id: int, *, yes: bool) -> None:
    """Revoke a token. It stops working at once."""
    session.confirm(f"Revoke token {token_id}?", yes=yes)
    session.client.delete(f"/tokens/{token_id}")
    session.out.done(f"Revoked token {token_id}.", {"id": token_id, "revoked": True})


@token.command("replace")
@YES
@pass_session
def replace(session: Session, *, yes: bool) -> None:
    """Replace the main token. The old one stops working at once."""
    session.confirm("Replace the main token? Programs that use the old one stop working.", yes=yes)
    session.client.post("/tokens/main")
    session.out.done(
        "Replaced the main token. The new one is in the daemon's data directory.",
        {"replaced": True},
    )
