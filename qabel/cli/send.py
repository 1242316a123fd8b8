"""``qabel send``: send a message."""

import shlex
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from qabel.cli.api_client import ApiClient
from qabel.cli.context import Command, Session, pass_session
from qabel.cli.errors import CommandError, ExitStatus, usage_error
from qabel.cli.files import read_text
from qabel.cli.message_text import TEXT_MODEL, parse_object
from qabel.cli.names import Person, find_contact
from qabel.cli.parameters import CONTACT
from qabel.cli.units import duration

ACKNOWLEDGE_WITHIN = 120.0
"""Seconds that --wait-ack waits by default."""

OUTPUT = object()
"""The value of ``--json`` without data."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two checks for an acknowledgement: each pause is twice the last one."""


_EXAMPLES = """
\b
Examples:
  qabel send Bob "Hello Bob"
  qabel send id:1 "Hello" --wait-ack
  date | qabel send Bob
  qabel send Bob --model-object note --json '{"title": "Milk"}'
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@CONTACT
@click.argument("text", metavar="[TEXT|-]", required=False)
@click.option(
    "--from",
    "sender",
    metavar="IDENTITY",
    help="Your identity to send as. Needed only if several have this contact.",
)
@click.option(
    "--model-object",
    metavar="NAME",
    default=TEXT_MODEL,
    show_default=True,
    help="The kind of message.",
)
@click.option(
    "--json",
    "data",
    metavar="[DATA]",
    is_flag=False,
    flag_value=OUTPUT,
    default=None,
    type=click.UNPROCESSED,
    help="Send this JSON object instead of TEXT. Without DATA, print the result as JSON, "
    "as qabel --json send does.",
)
@click.option(
    "--wait-ack",
    metavar="[SECONDS]",
    is_flag=False,
    flag_value=ACKNOWLEDGE_WITHIN,
    type=click.FloatRange(0, min_open=True),
    help="Request an acknowledgement, and wait for it. [default: 120 seconds]",
)
@click.option(
    "--introduce/--no-introduce",
    default=None,
    help="Tell the contact your alias, first drop URL and public key, or do not. [default: as "
    "privacy.introduce in qabel settings says]",
)
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="Send nothing if an earlier call with this key has sent the message.",
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
    *,
    introduce: bool | None,
) -> None:
    """Send a message to CONTACT: an alias, an id or a public key.

    TEXT is sent as {"msg": TEXT} in a box_message, which Qabel clients show as text. Without TEXT,
    or with -, it is read from standard input.

    If no drop server accepts the message yet, the daemon keeps it and tries again. Messages are
    acknowledged after a random delay, and by some clients never: --wait-ack then ends with exit
    status 5, although the message has arrived.
    """
    if data is OUTPUT:
        session.out.json, data = True, None
    client = session.client
    recipient = find_contact(client, contact, sender, option="--from")
    message: dict[str, Any] = {
        "model_object": model_object,
        "data": _data(session, contact, text, data),
    }
    if wait_ack is not None:
        message["acknowledge_id"] = "auto"
    body = {
        "recipients": [recipient["id"]],
        "sender": recipient["identity_id"],
        "drop_message": message,
    }
    if introduce is not None:
        body["introduce"] = introduce
    with session.out.progress("sending"):
        outcome = _post(client, body, idempotency_key)
    _finish(session, recipient, outcome, wait_ack)


def _finish(
    session: Session, recipient: Person, outcome: Mapping[str, Any], wait_ack: float | None
) -> None:
    """Say what happened to the message, after its acknowledgement if that is waited for."""
    report = _report(session, recipient, outcome)
    if wait_ack is None:
        session.out.done(report, outcome)
        return
    session.out.note(report)
    with session.out.progress(f"waiting for {recipient['alias']} to acknowledge"):
        outcome = _acknowledged(session.client, outcome["id"], wait_ack)
    session.out.done(f"Acknowledged by {recipient['alias']}.", outcome)


def _post(client: ApiClient, body: Mapping[str, Any], idempotency_key: str | None) -> Any:
    headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
    return client.request("POST", "/drop", body=body, headers=headers).value


def _data(session: Session, contact: str, text: str | None, data: object) -> dict[str, Any]:
    """Return the data of the message: the object of ``--json``, or one around the text."""
    if data is not None:
        if text is not None:
            raise usage_error(
                "Pass either TEXT or --json DATA, not both",
                f"To print the result as JSON: qabel --json send {shlex.quote(contact)} TEXT",
            )
        return parse_object(str(data), "--json")
    if text is None and sys.stdin.isatty():
        session.out.note("Type the message. To send it, press Ctrl-D on a line of its own.")
    content = read_text("-") if text is None or text == "-" else text
    if not content.strip():
        raise usage_error(
            "There is nothing to send: the text is empty",
            f"Example: qabel send {shlex.quote(contact)} 'Hello'",
        )
    return {"msg": content}


def _report(session: Session, recipient: Person, outcome: Mapping[str, Any]) -> str:
    """Return what happened to the message. Raises CommandError if it failed for good."""
    delivery = outcome["recipients"][0]
    name, number = recipient["alias"], outcome["id"]
    reason = f" ({delivery['reason'].rstrip('.')})" if delivery["reason"] else ""
    if delivery["state"] == "failed":
        if session.out.json:
            session.out.value(outcome)
        raise CommandError(
            f"The message to {name} failed{reason}",
            hint=f"Run: qabel outbox show {number}; qabel contact show id:{recipient['id']}",
        )
    if delivery["state"] == "sent":
        return f"Sent to {name} (outbox {number})."
    return f"Queued for {name}{reason}. The daemon will keep trying (outbox {number})."


def _acknowledged(
    client: ApiClient,
    send_id: int,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Mapping[str, Any]:
    """Wait for the acknowledgement of a message. Raises CommandError if it fails, or in the end."""
    deadline, pause = clock() + seconds, FIRST_PAUSE
    while True:
        outcome: Mapping[str, Any] = client.get(f"/outbox/{send_id}")
        delivery = outcome["recipients"][0]
        if delivery["acknowledged"]:
            return outcome
        if delivery["state"] == "failed":
            raise CommandError(f"The message failed: {delivery['reason'] or 'unknown reason'}")
        left = deadline - clock()
        if left <= 0:
            raise CommandError(
                f"No acknowledgement within {duration(seconds)}",
                hint=f"For the state of the message, run: qabel outbox show {send_id}",
                exit_status=ExitStatus.TIMED_OUT,
            )
        sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)
