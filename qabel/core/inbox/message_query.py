"""Queries for messages of the inbox."""

from attrs import frozen

from qabel.store.inbox.message_rows import Filter


@frozen
class MessageQuery:
    """Which messages to read, and by which consumer.

    With ``since``, messages after that cursor are returned, and no cursor is moved. Without it,
    messages are returned that are new to the consumer. A consumer has a separate cursor for each
    combination of conditions: what one query leaves out is still new to another.
    """

    consumer: str = "default"
    of: int | None = None
    """The token whose consumer it is, 0 for the owner of the daemon; None for the caller."""
    hold: bool = False
    """Whether the consumer's cursor stays, until it is moved by an acknowledgement."""
    since: str | None = None
    limit: int = 1000
    identity: int | None = None
    contact: int | None = None
    model_object: str | None = None

    @property
    def filter(self) -> Filter:
        """The conditions on messages."""
        return Filter(self.identity, self.contact, self.model_object)

    @property
    def is_narrowed(self) -> bool:
        """Whether there are any conditions."""
        return not (self.identity is None and self.contact is None and self.model_object is None)

    @property
    def name(self) -> str:
        """The name under which the cursor is stored."""
        if not self.is_narrowed:
            return self.consumer
        parts = [f"{name}={value}" for name, value in sorted(self.filter.parameters.items())]
        # No consumer's name contains a line break.
        return "\n".join((self.consumer, *parts))
