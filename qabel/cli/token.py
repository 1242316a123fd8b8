"""``qabel token``: who else may talk to the daemon, and for what."""

import click

from qabel.cli.context import Group, Session, pass_session, read_token
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.identity import YES
from qabel.cli.names import complete_identity, find_identity
from qabel.cli.table import NAME_WIDTH, Column
from qabel.cli.units import moment

SCOPES = ("status", "read", "send", "settings", "admin")

_COLUMNS = [
    Column("ID", lambda each: each["id"]),
    Column("NAME", lambda each: each["name"], lambda _: "bold", NAME_WIDTH),
    Column("SCOPES", lambda each: ", ".join(each["scopes"])),
    Column("IDENTITY", lambda each: "any" if each["identity_id"] is None else each["identity_id"]),
    Column("MADE", lambda each: moment(each["created"])),
    Column("USED", lambda each: moment(each["last_used"])),
]


@click.group(cls=Group, listed="list", short_help="Let programs in over TCP.")
def token() -> None:
    """Tokens, by which programs are let in over TCP.

    The main one, in the daemon's data directory, may do everything. Further ones may do less.
    """


@token.command("list")
@pass_session
def listed(session: Session) -> None:
    """List the further tokens, without their values."""
    session.out.rows(session.client.get("/tokens"), _COLUMNS, "No further token: qabel token new")


@token.command("new")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do. Repeatable.",
)
@click.option(
    "--identity",
    "-i",
    metavar="IDENTITY",
    shell_complete=complete_identity,
    help="Only with this one of your identities: for the scopes read and send.",
)
@pass_session
def new(session: Session, name: str, scopes: tuple[str, ...], identity: str | None) -> None:
    """Make a token, and write its value: this is the only time that it is shown."""
    body: dict[str, object] = {"name": name, "scopes": list(scopes)}
    if identity is not None:
        body["identity"] = find_identity(session.client, identity)["id"]
    made = session.client.post("/tokens", body)
    session.out.done(made["token"], made)
    session.out.note(f"This is token {made['id']}. It is not shown again.")


@token.command("show")
@pass_session
def show(session: Session) -> None:
    """Write the main token, as for: curl -H "Authorization: Bearer $(qabel token show)"."""
    if not session.token_path.exists():
        raise CommandError(
            f"there is no main token in {session.data_directory}",
            hint="the daemon makes one when it is first started; or give --data-dir",
            exit_status=ExitStatus.NOT_FOUND,
        )
    value = read_token(session.token_path)
    session.out.done(value, {"token": value})


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=click.IntRange(min=0))
@YES
@pass_session
def revoke(session: Session, token_id: int, *, yes: bool) -> None:
    """End a token at once."""
    session.confirm(f"Revoke token {token_id}?", yes=yes)
    session.client.delete(f"/tokens/{token_id}")
    session.out.done(f"Token {token_id} is void.", {"id": token_id, "revoked": True})


@token.command("replace")
@YES
@pass_session
def replace(session: Session, *, yes: bool) -> None:
    """Put a new main token in place of the old one, which is void at once."""
    session.confirm("Replace the main token? Programs that use the old one stop.", yes=yes)
    session.client.post("/tokens/main")
    session.out.done("The main token is a new one; it is in its file.", {"replaced": True})
