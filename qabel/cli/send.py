"""``qabel send``: write to somebody."""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus, usage_error
from qabel.cli.files import read_text
from qabel.cli.message_text import TEXT_MODEL, read_object
from qabel.cli.names import Person, complete_contact, complete_identity, find_contact
from qabel.cli.units import duration

ACKNOWLEDGE_WITHIN = 60.0
"""Seconds that --wait-ack waits, if it is not said how many."""

OUTPUT = object()
"""In the place of data: ``--json`` was given with none."""

FIRST_LOOK, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two looks whether an acknowledgement has come."""


@click.command(cls=Command)
@click.argument("contact", metavar="CONTACT", shell_complete=complete_contact)
@click.argument("text", metavar="[TEXT|-]", required=False)
@click.option(
    "--from",
    "sender",
    metavar="IDENTITY",
    shell_complete=complete_identity,
    help="Which of your identities writes, where several know the contact.",
)
@click.option(
    "--model-object",
    metavar="NAME",
    default=TEXT_MODEL,
    show_default=True,
    help="What kind of message it is.",
)
@click.option(
    "--json",
    "data",
    metavar="[DATA]",
    is_flag=False,
    flag_value=OUTPUT,
    default=None,
    type=click.UNPROCESSED,
    help="The message's data, a JSON object, in place of TEXT. With nothing after it: "
    "write the outcome as JSON, as qabel --json send does.",
)
@click.option(
    "--wait-ack",
    metavar="[SECONDS]",
    is_flag=False,
    flag_value=ACKNOWLEDGE_WITHIN,
    type=click.FloatRange(0, min_open=True),
    help="Ask for an acknowledgement, and wait for it: 60 seconds, or as many as are given.",
)
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="With the key of an earlier call, nothing is sent again.",
)
@pass_session
def send(
    session: Session,
    contact: str,
    text: str | None,
    sender: str | None,
    model_object: str,
    data: object,
    wait_ack: float | None,
    idempotency_key: str | None,
) -> None:
    """Send a message to CONTACT: an alias, an id or a public key.

    TEXT is sent as {"msg": TEXT}, in a box_message, which Qabel clients show as text; - reads it
    from standard input, and so does leaving it out.

    A message that no drop server took yet is kept, and the daemon goes on trying. Old and very new
    Qabel clients never acknowledge: then --wait-ack ends with status 5, and the message is there
    nevertheless.
    """
    if data is OUTPUT:
        session.out.json, data = True, None
    client = session.client
    recipient = find_contact(client, contact, sender)
    message: dict[str, Any] = {"model_object": model_object, "data": _data(session, text, data)}
    if wait_ack is not None:
        message["acknowledge_id"] = "auto"
    with session.out.progress("sending"):
        outcome = _post(client, recipient, message, idempotency_key)
    told = outcome["recipients"][0]
    if wait_ack is not None and told["state"] != "failed":
        _tell(session, recipient, outcome, told, note=True)
        with session.out.progress(f"waiting for {recipient['alias']} to acknowledge"):
            outcome = _acknowledged(client, outcome["id"], wait_ack)
        session.out.done(f"{recipient['alias']} has it.", outcome)
        return
    _tell(session, recipient, outcome, told)


def _post(
    client: ApiClient, recipient: Person, message: Mapping[str, Any], idempotency_key: str | None
) -> Any:
    body = {
        "recipients": [recipient["id"]],
        "sender": recipient["identity_id"],
        "drop_message": message,
    }
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return client.request("POST", "/drop", body=body, headers=headers).value


def _data(session: Session, text: str | None, data: object) -> dict[str, Any]:
    """Give the data of the message: as it was given, or around a text."""
    if data is not None:
        if text is not None:
            raise usage_error(
                "TEXT and --json DATA cannot both be given",
                "for the outcome as JSON: qabel --json send, or --json as the last word",
            )
        return read_object(str(data), "--json")
    if text is None and sys.stdin.isatty():
        session.out.note("Write the message; Ctrl-D on a line of its own sends it.")
    return {"msg": read_text("-") if text in (None, "-") else text}


def _tell(
    session: Session,
    recipient: Mapping[str, Any],
    outcome: Mapping[str, Any],
    told: Mapping[str, Any],
    *,
    note: bool = False,
) -> None:
    """Say what became of the message. Raises CommandError if nobody will ever get it."""
    name, number = recipient["alias"], outcome["id"]
    why = f" ({told['reason']})" if told["reason"] else ""
    if told["state"] == "failed":
        if session.out.json:
            session.out.value(outcome)
        raise CommandError(
            f"the message to {name} failed{why}",
            hint=f"qabel outbox show {number}; qabel contact show {recipient['id']}",
        )
    if told["state"] == "sent":
        text = f"Sent to {name} (outbox {number})."
    else:
        text = f"Kept for {name}{why}: the daemon goes on trying (outbox {number})."
    if note:
        session.out.note(text)
    else:
        session.out.done(text, outcome)


def _acknowledged(
    client: ApiClient,
    send_id: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, Any]:
    """Wait until a message is acknowledged. Raises CommandError if it fails, or in the end."""
    ends, pause = clock() + seconds, FIRST_LOOK
    while True:
        found: Mapping[str, Any] = client.get(f"/outbox/{send_id}")
        told = found["recipients"][0]
        if told["acknowledged"]:
            return found
        if told["state"] == "failed":
            raise CommandError(f"the message failed ({told['reason'] or 'no reason was given'})")
        left = ends - clock()
        if left <= 0:
            raise CommandError(
                f"no acknowledgement came within {duration(seconds)}",
                hint=f"the message is kept: qabel outbox show {send_id}",
                exit_status=ExitStatus.TIMED_OUT,
            )
        sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
