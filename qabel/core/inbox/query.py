"""What somebody wants to read of the inbox."""

from attrs import frozen

from qabel.store.inbox.message_rows import Filter


@frozen
class Query:
    """What somebody wants to read.

    ``since`` is a cursor, and moves nothing; without it the consumer's own cursor counts. Each
    consumer has a cursor of its own for each way of narrowing: what one reading passes over is
    still new to another.
    """

    consumer: str = "default"
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
    def reader(self) -> str:
        """The name under which the cursor is kept."""
        if not self.is_narrowed:
            return self.consumer
        parts = [f"{name}={value}" for name, value in sorted(self.filter.parameters.items())]
        # No consumer's name holds a line break.
        return "\n".join((self.consumer, *parts))
