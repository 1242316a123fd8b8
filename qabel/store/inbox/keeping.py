"""Store what was found in a drop: new messages, hashes of others, and how far it was read."""

from collections.abc import Collection, Iterable, Iterator, Sequence

import attrs

from qabel.store import heard_from
from qabel.store.database.connection import Connection
from qabel.store.inbox import message_rows as rows
from qabel.store.inbox import seen
from qabel.store.inbox.copies import Copies
from qabel.store.inbox.message_rows import NewMessage, StoredMessage
from qabel.store.inbox.refused import Refused, add_refused
from qabel.store.inbox.seen import Drop, ReadDone
from qabel.store.inbox.strangers import StrangerLimits, admit
from qabel.store.numbers import last_seq, take_numbers
from qabel.store.outbox import acknowledgements, receipts
from qabel.store.outbox.receipts import Receipt


@attrs.frozen
class StoredBatch:
    """What became of a batch of received messages."""

    messages: tuple[StoredMessage, ...]
    """The new ones, in their order."""
    acknowledgements: int
    """How many acknowledgements were added in return."""
    next_acknowledgement: int | None
    """When the first for one of the same contacts may be sent, as in
    ``qabel.store.outbox.acknowledgements``; None if none was added."""
    receipts: int
    """How many deliveries in the outbox changed because of receipts."""
    refused: int
    """How many messages of strangers were not kept."""
    last_seq: int
    """The newest number in the journal."""


@attrs.frozen
class Found:
    """What was found in a drop, to be stored."""

    new: Sequence[NewMessage]
    foreign: Sequence[bytes]
    refused: Sequence[Refused]
    receipts: Sequence[Receipt]


def keep(
    connection: Connection,
    drop: Drop,
    found: Found,
    limits: StrangerLimits,
    done: ReadDone | None,
    progress: str | None,
    *,
    now: int,
) -> StoredBatch:
    """Store what was found in a drop, within a transaction.

    Args:
        connection: in the transaction.
        drop: where it was found.
        found: what was found.
        limits: what is kept of strangers.
        done: that the drop was read to its end.
        progress: what the receiver notes of the reading, if it is to be stored.
        now: milliseconds since the epoch.

    """
    fresh, unwanted = _admit(connection, drop, found.new, limits, now)
    first = take_numbers(connection, len(fresh)) if fresh else 0
    stored = tuple(rows.insert(connection, first + i, each) for i, each in enumerate(fresh))
    answers = [each.acknowledgement for each in fresh if each.acknowledgement is not None]
    next_answer = acknowledgements.insert(connection, answers)
    changed, about_nothing = _apply_receipts(connection, found.receipts)
    heard_from.note(connection, _heard([*fresh, *found.receipts], frozenset(about_nothing)))
    drop_id = seen.find_drop(connection, drop)
    if drop_id is not None:
        if found.foreign or about_nothing:
            seen.add_foreign(connection, drop_id, [*found.foreign, *about_nothing], now)
        if found.refused or unwanted:
            add_refused(connection, drop_id, [*found.refused, *unwanted], now)
        if done is not None:
            seen.finish_reading(connection, drop_id, done, now)
        if progress is not None:
            seen.store_progress(connection, drop_id, progress)
    return StoredBatch(
        stored, len(answers), next_answer, changed, len(unwanted), last_seq(connection)
    )


def _heard(
    opened: Iterable[NewMessage | Receipt], about_nothing: Collection[bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Yield the receivers and senders of what was opened.

    Anybody can send receipts that are about nothing: only those of contacts count.
    """
    for each in opened:
        is_foreign = isinstance(each, Receipt) and not each.is_from_contact
        if not is_foreign or each.hash not in about_nothing:
            yield each.receiver, each.sender


def _admit(
    connection: Connection,
    drop: Drop,
    new: Sequence[NewMessage],
    limits: StrangerLimits,
    now: int,
) -> tuple[list[NewMessage], list[Refused]]:
    if not new:
        return [], []
    return admit(connection, new, limits, Copies(connection, drop.url, now))


def _apply_receipts(
    connection: Connection, received: Sequence[Receipt]
) -> tuple[int, Sequence[bytes]]:
    """Apply receipts; return how many changed something, and the hashes of the others.

    Anybody can send receipts that are about nothing we sent: only their foreign hashes are stored,
    which are deleted in time.
    """
    changed, others = 0, []
    for each in received:
        if seen.is_own(connection, each.hash):
            continue
        if receipts.apply(connection, each):
            seen.add_own(connection, each.hash)
            changed += 1
        else:
            others.append(each.hash)
    return changed, others
