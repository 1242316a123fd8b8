"""A receiver of webhooks, as a process that may be killed at any moment.

``python -m tests.torture.receiver PORT NOTES SEED``: it notes each message before it answers, and
loses some of its answers.
"""

import json
import random
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.torture.notes import Notes

UNANSWERED = 0.05
"""The part of calls that are noted, and get no answer."""


class Receiver(BaseHTTPRequestHandler):
    """Notes what it is called with."""

    notes: Notes
    dice: random.Random
    timeout = 10

    def do_POST(self) -> None:
        """Note a message, and answer, mostly."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["X-Qabel-Event"] == "drop":
            self.notes.add(
                ids=[event["id"]],
                numbers=[event["data"]["number"]],
                event=self.headers["X-Qabel-Latest"],
            )
        if self.dice.random() < UNANSWERED:
            self.close_connection = True
            return
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def main() -> None:
    """Serve until it is killed."""
    port, notes, seed = sys.argv[1:]
    Receiver.notes = Notes(Path(notes))
    Receiver.dice = random.Random(f"{seed} {len(Receiver.notes.lines)}")  # noqa: S311
    HTTPServer.allow_reuse_address = True
    HTTPServer(("127.0.0.1", int(port)), Receiver).serve_forever()


if __name__ == "__main__":
    main()
