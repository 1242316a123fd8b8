"""``qabel contact accept``: somebody unknown who wrote to the user becomes a contact."""

import click

from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, wrong_keys
from qabel.cli.same_alias import warn_of_same_alias


@click.command("accept", cls=Command)
@click.argument("message", metavar="MESSAGE", type=click.IntRange(min=0))
@click.option("--alias", metavar="ALIAS", help="Your name for the contact. [default: its own]")
@pass_session
def accept(session: Session, message: int, alias: str | None) -> None:
    """Add the sender of a message to your contacts.

    MESSAGE is the id of a message from somebody you do not know yet, who says in it who it is: see
    qabel inbox. It proves that its sender has the key, but only you can tell whose key that is: see
    qabel contact verify.
    """
    body = {"from_message": message} if alias is None else {"from_message": message, "alias": alias}
    try:
        added = session.client.post("/contacts", body)
    except CommandError as error:
        if "alias" in wrong_keys(error):
            error.hint = "Pass --alias NAME"
        elif "from_message" in wrong_keys(error):
            error.message = "This message does not introduce its sender"
            error.hint = "Ask for the contact file, and import it: qabel contact import FILE"
        raise
    session.out.done(f"Added {added['alias']} (id {added['id']}).", added)
    warn_of_same_alias(session, added)
    session.out.note(f"To be sure who it is: qabel contact verify id:{added['id']}")
