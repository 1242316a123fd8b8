"""A client that sends numbered messages, as a process that may be killed at any moment.

``python -m tests.torture.sender DATA_DIR JOURNAL STOP SEED``: it journals what it wants to send
before it does, with an idempotency key, and what became of it. It loses some answers, and a
successor asks again for what has no answer in the journal. Once the file STOP exists, it begins
nothing new, and ends when all is answered.
"""

import random
import sys
import time
from pathlib import Path
from typing import Any

from tests.integration.client import Api
from tests.torture.notes import Notes
from tests.torture.reader import BUSY, PAUSE

BETWEEN = 0.02
"""Seconds between two messages."""

UNREAD = 0.1
"""The part of answers that are not waited for."""

IMPATIENCE = 0.01
"""Seconds after which it disconnects then."""

ACKNOWLEDGED_EACH = 5
"""Every so many messages ask for an acknowledgement, at first."""

ACKNOWLEDGED_BELOW = 200
"""The number from which on none asks for one: a contact is sent 60 at once, and few after that."""


def asks(number: int) -> bool:
    """Return whether a message asks for an acknowledgement."""
    return number % ACKNOWLEDGED_EACH == 0 and number < ACKNOWLEDGED_BELOW


class Sender:
    """Sends one message after the other."""

    def __init__(self, api: Api, journal: Notes, seed: str) -> None:
        self._api = api
        self._journal = journal
        self._contact: dict[str, Any] | None = None
        self._dice = random.Random(f"{seed} {len(journal.lines)}")  # noqa: S311

    def pending(self) -> int | None:
        """Return the number of the message without an answer, if there is one."""
        wanted = self._journal.last("wanted", -1)
        return wanted if wanted != self._journal.last("answered", -1) else None

    def want(self) -> None:
        """Journal the wish to send the next message."""
        self._journal.add(wanted=self._journal.last("wanted", -1) + 1)

    def send(self, number: int) -> None:
        """Send a message, and journal the answer. OSError if there is none."""
        if self._contact is None:
            reply = self._api.ask("GET", "/contacts")
            if reply.status != 200:
                raise ConnectionError
            self._contact = reply.body[0]
        message = {"model_object": "chat", "data": {"number": number}}
        if asks(number):
            message["acknowledge_id"] = f"ack-{number}"
        body = {
            "sender": self._contact["identity_id"],
            "recipients": [self._contact["id"]],
            "drop_message": message,
        }
        key = {"Idempotency-Key": f"message-{number}"}
        timeout = IMPATIENCE if self._dice.random() < UNREAD else 70.0
        reply = self._api.ask("POST", "/drop", body, key, timeout)
        if reply.status in (201, 202):
            self._journal.add(answered=number, status=reply.status, id=reply.body["id"])
            return
        if reply.status not in BUSY:
            self._journal.add(problem=f"message {number}: {reply.status} {reply.body}"[:300])
        raise ConnectionError


def main() -> None:
    """Send until it is told to stop."""
    data_dir, journal, stop, seed = sys.argv[1:]
    sender = Sender(Api(Path(data_dir)), Notes(Path(journal)), seed)
    while True:
        if (number := sender.pending()) is None:
            if Path(stop).exists():
                return
            sender.want()
            continue
        try:
            sender.send(number)
            time.sleep(BETWEEN)
        except OSError:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
