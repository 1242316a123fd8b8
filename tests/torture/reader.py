"""A reader of a daemon's messages, as a process that may be killed at any moment.

``python -m tests.torture.reader KIND DATA_DIR NOTES [--lose NUMBER]``: it writes what it got to its
notes before it moves its cursor or acknowledges. With ``--lose`` it forgets a message, on purpose.
"""

import argparse
import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any

from attrs import define

from tests.integration.client import Api, Reply
from tests.torture.notes import Notes

KINDS = ("cursor", "stream", "hold", "default")

PAUSE = 0.05
"""Seconds between two attempts."""

BUSY = (503, 507)
"""Statuses of a daemon that cannot do it now."""


@define(eq=False)
class Reader:
    """What all kinds of reading have in common."""

    api: Api
    notes: Notes
    lost: int | None = None
    """The message to forget."""

    def got(self, messages: list[dict[str, Any]], **more: Any) -> None:
        """Note messages, and what belongs to them, in one line."""
        kept = [each for each in messages if each["data"]["number"] != self.lost]
        ids = [each["id"] for each in kept]
        self.notes.add(ids=ids, numbers=[each["data"]["number"] for each in kept], **more)

    def problem(self, reply: Reply) -> None:
        """Note an answer that should not be, unless it only means later."""
        if reply.status not in BUSY:
            self.notes.add(problem=f"{reply.status} {reply.body}"[:300])
        time.sleep(PAUSE)

    def read_cursor(self) -> None:
        """Read from the cursor that is noted with what was read."""
        since = self.notes.last("cursor", "0")
        headers = {"X-Qabel-New-Since": since}
        reply = self.api.ask("GET", "/drop?wait=1&limit=50", headers=headers)
        if reply.status == 200:
            self.got(reply.body, cursor=reply.headers["x-qabel-latest"])
        elif reply.status != 204:
            self.problem(reply)

    def read_hold(self) -> None:
        """Read what is held, note it, acknowledge it, and note that."""
        reply = self.api.ask("GET", "/drop?consumer=torture&hold=1&wait=1&limit=50")
        if reply.status == 200:
            upto = reply.headers["x-qabel-latest"]
            self.got(reply.body)
            self._acknowledge(upto)
        elif reply.status != 204:
            self.problem(reply)

    def _acknowledge(self, upto: str) -> None:
        while True:
            try:
                reply = self.api.ask("POST", "/drop/ack?consumer=torture", {"upto": upto})
            except OSError:
                time.sleep(PAUSE)
                continue
            if reply.status == 204:
                self.notes.add(acknowledged=upto)
                return
            self.problem(reply)

    def read_default(self) -> None:
        """Read and let the daemon move the cursor; what is under way when this dies can be lost."""
        self.notes.add(asked=True)
        reply = self.api.ask("GET", "/drop?wait=1&limit=50")
        if reply.status == 200:
            self.got(reply.body, answered=True)
        else:
            self.notes.add(answered=True)
            if reply.status != 204:
                self.problem(reply)

    def read_stream(self) -> None:
        """Follow the stream of events until it ends."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        try:
            connection.sock.connect(str(self.api.directory / "rest.sock"))
            since = self.notes.last("cursor", "0")
            connection.request("GET", "/events?kinds=drop", headers={"Last-Event-ID": since})
            answer = connection.getresponse()
            if answer.status != 200:
                self.problem(Reply(answer.status, {}, answer.read().decode()))
                return
            rest = b""
            while data := answer.read1(65536):
                *events, rest = (rest + data).split(b"\n\n")
                self._note_events(events)
        except http.client.HTTPException:
            return
        finally:
            connection.close()

    def _note_events(self, events: list[bytes]) -> None:
        cursor, messages = None, []
        for event in events:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n") if b": " in line)
            cursor = fields.get(b"id", cursor)
            if fields.get(b"event") == b"drop":
                messages.append(json.loads(fields[b"data"]))
        if cursor is not None and (messages or self.notes.last("cursor", None) is None):
            self.got(messages, cursor=cursor.decode())


def main() -> None:
    """Read until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("notes", type=Path)
    parser.add_argument("--lose", type=int)
    given = parser.parse_args()
    reader = Reader(Api(given.data_dir), Notes(given.notes), given.lose)
    read = getattr(reader, f"read_{given.kind}")
    while True:
        try:
            read()
        except OSError:
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
