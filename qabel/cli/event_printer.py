"""Events as lines of JSON, or as people read them."""

import json
from collections.abc import Mapping
from typing import Any

from attrs import define, field

from qabel.cli.introductions import note_on
from qabel.cli.message_text import text_of
from qabel.cli.names import Names
from qabel.cli.output import Output
from qabel.cli.sse import Event
from qabel.cli.text import visible
from qabel.cli.units import moment

_OUTBOX_STATES = {"sent": "sent to", "queued": "queued for", "failed": "failed for"}


@define
class EventPrinter:
    """Prints events."""

    output: Output
    names: Names
    _noted: set[str] = field(factory=set, init=False)
    """The strangers who were pointed out."""

    def print(self, event: Event) -> None:
        """Print one event."""
        data = json.loads(event.data)
        if self.output.json:
            self.output.value({"kind": event.kind, "place": event.id, **data})
        elif event.kind == "drop":
            self._message(data)
        elif event.kind == "outbox":
            self._outbox(data)
        elif event.kind == "damage":
            text = f"damaged, cannot be read: {data['table']} {data['ids']}; see qabel status"
            self._line(data["time"], text, "red")
        elif event.kind == "synced":
            self.names.forget()
            self._line(data["time"], "synced settings changed", "dim")
        else:
            self._line(data["time"], "local settings changed", "dim")

    def _message(self, message: Mapping[str, Any]) -> None:
        sender = self._sender(message)
        to = ""
        if self.names.has_many_identities:
            to = f" → {self.names.identity(message['identity_id'])}"
        self._line(message["received"], f"{sender}{to}: {text_of(message)}")
        note = note_on(message, self.names)
        if note is not None and message["sender"] not in self._noted:
            self._noted.add(message["sender"])
            self.output.note(note)

    def _sender(self, message: Mapping[str, Any]) -> str:
        name = self.names.sender(message)
        if message.get("contact_id") is not None and name.startswith("<"):
            # The contact was added after the names were looked up.
            self.names.forget()
            name = self.names.sender(message)
        return name

    def _outbox(self, change: Mapping[str, Any]) -> None:
        name = self.names.contact(change["contact_id"], change["recipient"])
        what = _OUTBOX_STATES.get(change["state"], f"{change['state']} for")
        if change["acknowledged"]:
            what = "acknowledged by"
        reason = f" ({change['reason'].rstrip('.')})" if change["reason"] else ""
        self._line(change["time"], f"outbox {change['id']}: {what} {name}{reason}", "dim")

    def _line(self, milliseconds: float, text: str, style: str = "") -> None:
        # Lines after the first are marked: they cannot pass for somebody else's message.
        first, *others = visible(text, lines=True).split("\n")
        stamp = self.output.styled(moment(milliseconds), "dim")
        self.output.raw(f"{stamp}  {self.output.styled(first, style)}\n")
        for each in others:
            self.output.raw(f"{' ' * 19}  {self.output.styled('| ' + each, style)}\n")
