"""What the push subscribers of a drop get (Qabel-Protocol-Drop, "Push")."""

from typing import Protocol

from wsproto.events import BytesMessage

from qabel.dropserver.stamps import format_http_date, format_latest

SUBPROTOCOL = b"v0.ws.drop.qabel.de"


class PushListeners(Protocol):
    """The subscribers of a server."""

    def has_subscribers(self, topic: str, /) -> bool:
        """Return whether there are any to a drop."""

    def publish(self, topic: str, message: BytesMessage, /) -> None:
        """Send a message to all of a drop."""

    def close(self) -> None:
        """Close all connections."""


def push_message(hub: PushListeners, drop_id: str, stamp: int, body: bytes) -> None:
    """Send a message to all subscribers of its drop. Raises nothing, whatever they do."""
    if hub.has_subscribers(drop_id):
        head = (
            f"X-Qabel-Latest: {format_latest(stamp)}\nLast-Modified: {format_http_date(stamp)}\n\n"
        )
        hub.publish(drop_id, BytesMessage(head.encode("ascii") + body))
