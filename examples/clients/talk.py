"""Send, read and follow messages, with a client that openapi-python-client made."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from qabel_client import AuthenticatedClient
from qabel_client.api.contacts import list_contacts
from qabel_client.api.drops import acknowledge_messages, receive_messages, send_message
from qabel_client.api.identities import list_identities
from qabel_client.models import (
    AcknowledgeMessagesBody,
    Contact,
    Identity,
    JSONObject,
    NewMessage,
    Outcome,
    Problem,
    ReceivedMessage,
    SendMessageBody,
)

URL = os.environ.get("QABEL_URL", "http://127.0.0.1:9696")
TOKEN = Path(os.environ.get("QABEL_DATA_DIR", ".run/daemon"), "api-token").read_text().strip()
# Without a timeout: reading may wait for a minute, and a stream has no end.
client = AuthenticatedClient(base_url=URL, token=TOKEN, timeout=None)


def send(sender: int, contact: int, text: str) -> None:
    """Send a message to a contact."""
    message = NewMessage(model_object="chat", data=JSONObject.from_dict({"msg": text}))
    body = SendMessageBody(sender=sender, recipients=[contact], drop_message=message)
    outcome = send_message.sync(client=client, body=body)
    if isinstance(outcome, Outcome):
        print(f"{text}: {outcome.recipients[0].state}")
    elif isinstance(outcome, Problem):
        print(f"{text}: not sent, {outcome.status}: {outcome.detail}")


def read(identity: int) -> str:
    """Wait for new messages, process them, then acknowledge them. Return the cursor."""
    response = receive_messages.sync_detailed(client=client, identity=identity, hold=True, wait=60)
    for message in response.parsed if isinstance(response.parsed, list) else []:
        print(f"read: {message.data['msg']}")
    cursor = response.headers["X-Qabel-Latest"]
    done = AcknowledgeMessagesBody(upto=cursor, identity=identity)
    acknowledge_messages.sync_detailed(client=client, body=done)
    return cursor


def follow(cursor: str) -> Iterator[tuple[str, ReceivedMessage]]:
    """Yield each message after a cursor as it arrives, with the cursor to continue from."""
    headers = {"Last-Event-ID": cursor}
    query = {"kinds": "drop"}
    events = client.get_httpx_client().stream("GET", "/events", params=query, headers=headers)
    with events as response:
        response.raise_for_status()
        for line in response.iter_lines():
            if line.startswith("id: "):
                cursor = line.removeprefix("id: ")
            elif line.startswith("data: "):
                data = json.loads(line.removeprefix("data: "))
                yield cursor, ReceivedMessage.from_dict(data)


def ids(listed: list[Identity] | list[Contact] | Problem | None) -> dict[str, int]:
    """Return ids by alias."""
    return {each.alias: each.id for each in listed} if isinstance(listed, list) else {}


identities = ids(list_identities.sync(client=client))
contacts = ids(list_contacts.sync(client=client))
alice, bob = identities["Alice"], identities["Bob"]
send(alice, contacts["Bob"], "Hello")
cursor = read(bob)
send(alice, contacts["Bob"], "Are you there?")
for _, message in follow(cursor):
    print(f"followed: {message.data['msg']}")
    break
send(alice, 99, "Is anybody there?")
