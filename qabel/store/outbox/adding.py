"""Adding sends to the outbox, within a transaction: several as a whole, or each with a key."""

from collections.abc import Sequence

import attrs

from qabel.store.database.connection import Connection
from qabel.store.numbers import last_seq
from qabel.store.outbox import idempotency, sends
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.sends import NewSend, Posting
from qabel.store.tokens import TokenRevoked, is_valid


@attrs.frozen
class Added:
    """The result of adding sends, now or earlier under the same idempotency key."""

    ids: Sequence[int]
    ready: tuple[Posting, ...] = ()
    """Postings that may start now; the others wait behind earlier ones."""
    repeated: bool = False
    """Nothing was added: the sends are those of an earlier request, and may have been deleted."""
    answer: bytes | None = attrs.field(default=None, repr=False)
    """What the earlier request was answered, if it was answered."""
    last_seq: int = 0
    """The newest number in the journal."""

    @property
    def id(self) -> int:
        """The id of the first send."""
        return self.ids[0]


@attrs.frozen
class KeyedSend:
    """A send that is added once for each key."""

    send: NewSend
    key: Idempotency | None = None


def add(
    connection: Connection, new: Sequence[NewSend], given: Idempotency | None, now: int
) -> Added:
    """Add sends, all of them or none.

    Args:
        connection: with a transaction open.
        new: the sends, at least one.
        given: the key of the request; one that was used before leads to the earlier sends.
        now: milliseconds since the epoch.

    Raises:
        TokenRevoked: the token of one is gone.
        IdempotencyMismatch: the key was used for another request.

    """
    for token_id in {each.token_id for each in new}:
        if token_id is not None and not is_valid(connection, token_id):
            raise TokenRevoked("The token was revoked before the message was stored.")
    if given is not None:
        found = idempotency.find(connection, given, now)
        if found is not None:
            return Added(found.send_ids, (), True, found.answer, last_seq(connection))
    # Nobody else adds anything in between, so the ids follow one another.
    ids, ready = [], list[Posting]()
    for each in new:
        send_id, due = sends.insert(connection, each, now)
        ids.append(send_id)
        ready += due
    if given is not None:
        idempotency.keep(connection, given, ids, now)
    return Added(ids, tuple(ready), last_seq=last_seq(connection))


def add_keyed(connection: Connection, new: Sequence[KeyedSend], now: int) -> tuple[Posting, ...]:
    """Add sends, but for those whose key was used before; return what may start now.

    The arguments and errors are those of ``add``.
    """
    return tuple(
        posting for each in new for posting in add(connection, [each.send], each.key, now).ready
    )
