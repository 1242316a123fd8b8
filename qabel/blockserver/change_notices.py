"""Telling those who listen by WebSocket that something in a prefix has changed."""

import json

from attrs import frozen
from wsproto.events import TextMessage

from qabel.blockserver.block_values import ObjectPath, StoredObject
from qabel.host.push.push_hub import PushHub

SUBPROTOCOL = b"v0.ws.block.qabel.de"


@frozen(eq=False)
class ChangeNotices:
    """Tells the listeners of a prefix, and those of an object.

    Args:
        hub: has them. Their topics are prefixes, and prefixes with names.

    """

    hub: PushHub

    def stored(self, path: ObjectPath, new: StoredObject) -> None:
        """Tell that there is something new at a path."""
        self._tell(path, {"operation": "POST", **_where(path), "etag": new.etag})

    def removed(self, path: ObjectPath) -> None:
        """Tell that there is nothing at a path any more."""
        self._tell(path, {"operation": "DELETE", **_where(path)})

    def _tell(self, path: ObjectPath, value: "dict[str, str]") -> None:
        for topic in (path.prefix, path.text):
            if self.hub.has_subscribers(topic):
                self.hub.publish(topic, TextMessage(json.dumps(value)))


def _where(path: ObjectPath) -> dict[str, str]:
    return {"prefix": path.prefix, "path": path.text}
