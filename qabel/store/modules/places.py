"""Places in the journal: where an entry stands, and how far a module has read."""

import attrs


@attrs.frozen(order=True)
class Place:
    """Where an entry is in the journal: cursors of modules are places."""

    seq: int = 0
    """Its number."""
    part: int = 0
    """Of a message that was sent, the id of the send: those of earlier versions share numbers."""

    @property
    def before(self) -> "Place":
        """The last place before this one."""
        return Place(self.seq, self.part - 1) if self.part else Place(self.seq - 1, _LAST_PART)


BEGINNING = Place()

_LAST_PART = 2**62
"""No send has this id."""
