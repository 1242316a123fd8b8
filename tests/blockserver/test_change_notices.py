"""What listeners are told of changes."""

import json
from typing import Any

import attrs
from twisted.internet.testing import StringTransport
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from qabel.blockserver.block_values import ObjectPath, StoredObject
from qabel.blockserver.change_notices import ChangeNotices
from qabel.host.push.push_hub import PushHub, PushSubscriber

PATH = ObjectPath("prefix", "blocks/a")
NEW = StoredObject("0123", 7)


@attrs.define(eq=False)
class Listener:
    """Listens to a topic, on a connection in memory."""

    hub: PushHub
    topic: str
    _transport: StringTransport = attrs.field(factory=StringTransport, init=False)

    def __attrs_post_init__(self) -> None:
        PushSubscriber(self.hub, self.topic).makeConnection(self._transport)

    def heard(self) -> list[dict[str, Any]]:
        """Return what it was told."""
        connection = Connection(ConnectionType.CLIENT)
        connection.receive_data(self._transport.value())
        events = list(connection.events())
        assert all(isinstance(each, TextMessage) for each in events)
        return [json.loads(each.data) for each in events if isinstance(each, TextMessage)]


def test_who_is_told() -> None:
    """Listeners of the prefix, and of the object, and no others."""
    hub = PushHub()
    topics = (
        "prefix",
        "prefix/blocks/a",
        "prefix/blocks",
        "prefix/blocks/a/b",
        "other",
        "blocks/a",
    )
    prefix, path, *others = (Listener(hub, topic) for topic in topics)
    notices = ChangeNotices(hub)
    notices.stored(PATH, NEW)
    notices.removed(PATH)
    assert (
        prefix.heard()
        == path.heard()
        == [
            {
                "operation": "POST",
                "prefix": "prefix",
                "path": "prefix/blocks/a",
                "etag": '"0123"',
            },
            {"operation": "DELETE", "prefix": "prefix", "path": "prefix/blocks/a"},
        ]
    )
    assert [each.heard() for each in others] == [[]] * 4


def test_each_object_has_its_own_listeners() -> None:
    """Those of a prefix are told of all that is in it."""
    hub = PushHub()
    prefix, one, other = (Listener(hub, topic) for topic in ("prefix", "prefix/1", "prefix/2"))
    notices = ChangeNotices(hub)
    for name in ("1", "2", "3"):
        notices.stored(ObjectPath("prefix", name), NEW)
    assert [each["path"] for each in prefix.heard()] == ["prefix/1", "prefix/2", "prefix/3"]
    assert [each["path"] for each in one.heard()] == ["prefix/1"]
    assert [each["path"] for each in other.heard()] == ["prefix/2"]


def test_without_listeners() -> None:
    """Nothing is done."""
    ChangeNotices(PushHub()).stored(PATH, NEW)
