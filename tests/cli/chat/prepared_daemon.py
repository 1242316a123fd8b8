"""A daemon whose responses a test prepares, for the real client."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.daemon_address import DaemonAddress
from tests.cli.prepared_server import PreparedServer, prepared_server

HERE = TalkedTo(id="ab" * 16, other="Bob", own="Alice", contact_id=5)


def chat_message(number: int, direction: str = "in", **more: Any) -> dict[str, Any]:
    """Return a message as a daemon does; the number is its id and its place."""
    return {
        "id": number, "cursor": f"{number}-0", "conversation": HERE.id, "direction": direction,
        "sent": 1_800_014_400_000, "received": None,
        "state": "sent" if direction == "out" else None,
        "text": f"text {number}", "reply_to": None, "attachment": None, "incomplete": False,
        "odd_time": False, **more,
    }  # fmt: skip


@define(eq=False)
class PreparedDaemon:
    """A client, and what it has asked for."""

    client: ApiClient
    server: PreparedServer = field(repr=False)

    @property
    def asked(self) -> list[str]:
        """The requests: method and target."""
        return [head.partition(" HTTP/")[0] for head in self.server.requests]

    @property
    def keys(self) -> list[str]:
        """The Idempotency-Keys of all requests."""
        lines = [line for head in self.server.requests for line in head.split("\r\n")]
        return [line.partition(": ")[2] for line in lines if line.startswith("Idempotency-Key")]


@contextmanager
def prepared_daemon(folder: Path, respond: Callable[[str], bytes]) -> Iterator[PreparedDaemon]:
    """Run a server that responds as a function of the target says."""
    path = folder / "rest.sock"
    with prepared_server(path, respond) as server:
        yield PreparedDaemon(ApiClient(DaemonAddress(socket=path), None), server)
