"""Whose turn it is: which acknowledgements may be sent now, and what follows from each attempt.

Everything is within a transaction, and times are as in ``qabel.store.outbox.acknowledgements``.
What is begun is committed before anything is sent: so no restart refills a contact's bucket, and
the time stamp is used up.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

import attrs

from qabel.store.database.connection import Connection
from qabel.store.outbox import time_stamps
from qabel.store.outbox.acknowledgements import (
    BURST,
    INTERVAL,
    give_up,
    remove,
    set_all_next,
    set_next,
)

AT_ONCE = 4
"""How many acknowledgements are on their way to one contact at the same time."""

LONGEST_PAUSE = 3_600_000
"""Milliseconds between two attempts to reach a contact at most."""

TAKEN_FOR = 600_000
"""Milliseconds in which an attempt ends; if nothing was heard of it by then, another follows."""

Draw = Callable[[], int]
"""Returns a random delay in milliseconds."""


@attrs.frozen(kw_only=True)
class DueAcknowledgement:
    """An acknowledgement to send now."""

    id: int
    pair_id: int
    identity: bytes
    """The public key of its sender."""
    contact: bytes
    """The public key of its recipient."""
    acknowledge_id: str = attrs.field(repr=False)
    time_stamp: int
    """For this attempt, in milliseconds since the epoch."""
    failures: int
    """How many attempts to reach the contact failed in a row."""
    refusals: int
    """How often a drop server refused the acknowledgement for good."""
    is_refusal: bool = False
    """Whether it says that there is no module for the message."""


@attrs.frozen
class Begun:
    """What is to be sent now, and when to look again."""

    due: tuple[DueAcknowledgement, ...]
    next: int | None
    """When something else is due; None if nothing else waits."""


def begin(
    connection: Connection,
    now: int,
    limit: int,
    make_time_stamp: Callable[[bytes], int],
    under_way: Mapping[int, int],
) -> Begun:
    """Begin to send what may be sent now, those that have been due longest first.

    Args:
        connection: with a transaction open.
        now: the time.
        limit: how many to begin at most.
        make_time_stamp: returns a new time stamp of an identity, given by its public key.
        under_way: the ids of what is being sent already, each with that of its pair.

    """
    running = Counter(under_way.values())
    full = json.dumps([pair_id for pair_id, count in running.items() if count >= AT_ONCE])
    left_out = json.dumps(list(under_way))
    _put_off(connection, left_out, now, running)
    begun: list[DueAcknowledgement] = []
    for pair_id, full_at in connection.execute(
        "SELECT id, full_at FROM acknowledgement_pairs "
        "WHERE next <= ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY next LIMIT ?",
        (now, full, limit),
    ).fetchall():
        tokens = BURST - -(-max(0, full_at - now) // INTERVAL)
        count = min(tokens, AT_ONCE - running[pair_id], limit - len(begun))
        begun += _take(connection, pair_id, now, left_out, max(0, count), make_time_stamp)
        set_next(connection, pair_id)
    following = connection.execute(
        "SELECT next FROM acknowledgement_pairs WHERE next IS NOT NULL "
        "AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY next LIMIT 1",
        (full,),
    ).fetchone()
    return Begun(tuple(begun), None if following is None else following[0])


def _put_off(connection: Connection, ids: str, now: int, pairs: Iterable[int]) -> None:
    """See to it that what is being sent is not due again meanwhile."""
    connection.execute(
        "UPDATE acknowledgements SET due = ? "
        "WHERE id IN (SELECT value FROM json_each(?)) AND due <= ?",
        (now + TAKEN_FOR, ids, now),
    )
    for pair_id in pairs:
        set_next(connection, pair_id)


def _take(
    connection: Connection,
    pair_id: int,
    now: int,
    left_out: str,
    count: int,
    make_time_stamp: Callable[[bytes], int],
) -> Iterator[DueAcknowledgement]:
    """Take some that are due for a contact, each with a token and a time stamp."""
    for (
        own_id,
        acknowledge_id,
        refusals,
        identity,
        contact,
        failures,
        refuses,
    ) in connection.execute(
        "SELECT acknowledgements.id, acknowledge_id, refusals, identity, contact, failures, "
        "is_refusal "
        "FROM acknowledgements JOIN acknowledgement_pairs AS pairs ON pairs.id = pair_id "
        "WHERE pair_id = ? AND due <= ? "
        "AND acknowledgements.id NOT IN (SELECT value FROM json_each(?)) ORDER BY due LIMIT ?",
        (pair_id, now, left_out, count),
    ).fetchall():
        time_stamp = make_time_stamp(bytes(identity))
        time_stamps.keep(connection, bytes(identity), time_stamp)
        connection.execute(
            "UPDATE acknowledgements SET due = ? WHERE id = ?", (now + TAKEN_FOR, own_id)
        )
        _take_token(connection, pair_id, now)
        yield DueAcknowledgement(
            id=own_id,
            pair_id=pair_id,
            identity=bytes(identity),
            contact=bytes(contact),
            acknowledge_id=acknowledge_id,
            time_stamp=time_stamp,
            failures=failures,
            refusals=refusals,
            is_refusal=bool(refuses),
        )


def _take_token(connection: Connection, pair_id: int, now: int) -> None:
    connection.execute(
        "UPDATE acknowledgement_pairs SET full_at = max(full_at, ?) + ? WHERE id = ?",
        (now, INTERVAL, pair_id),
    )


def sent(connection: Connection, of: DueAcknowledgement) -> None:
    """Record that a drop server took an acknowledgement."""
    remove(connection, "id = ?", of.id)
    _works(connection, of)


def refused(connection: Connection, of: DueAcknowledgement, now: int, draw: Draw | None) -> None:
    """Record that a drop server refused an acknowledgement for good.

    ``draw`` is None if it is given up for that; else another attempt follows.
    """
    if draw is None:
        give_up(connection, "id = ?", of.id)
    else:
        connection.execute(
            "UPDATE acknowledgements SET since = ?1, delay = ?2, due = ?1 + ?2, "
            "refusals = refusals + 1 WHERE id = ?3",
            (now, draw(), of.id),
        )
    _works(connection, of)


def failed(
    connection: Connection, of: DueAcknowledgement, now: int, pause: int, draw: Draw
) -> None:
    """Record that an attempt failed, and send nothing to the contact for a while.

    What would be due before that ends has its time drawn again, each for itself: so nothing but
    time has them sent, and not all at once.
    """
    ends = now + min(pause, LONGEST_PAUSE)
    waiting = connection.execute(
        "SELECT id FROM acknowledgements WHERE pair_id = ? AND (due < ? OR id = ?)",
        (of.pair_id, ends, of.id),
    ).fetchall()
    connection.executemany(
        "UPDATE acknowledgements SET since = ?1, delay = ?2, due = ?1 + ?2 WHERE id = ?3",
        [(now, ends - now + draw(), own_id) for (own_id,) in sorted(waiting)],
    )
    connection.execute(
        "UPDATE acknowledgement_pairs SET failures = max(failures, ?), "
        "paused_until = max(paused_until, ?) WHERE id = ?",
        (of.failures + 1, ends, of.pair_id),
    )
    set_next(connection, of.pair_id)


def dropped(connection: Connection, of: DueAcknowledgement) -> None:
    """Delete an acknowledgement that nobody is to get any more."""
    remove(connection, "id = ?", of.id)
    set_next(connection, of.pair_id)


def redraw(connection: Connection, now: int, draw: Draw) -> None:
    """Move all that wait by a draw each: what was due meanwhile is not sent all at once.

    Each keeps the time that was drawn for it, and is moved from there each time. Where the clock
    was set back, no more is left of a delay than the whole of it.
    """
    rows = connection.execute("SELECT id, since, delay FROM acknowledgements").fetchall()
    connection.executemany(
        "UPDATE acknowledgements SET due = ? WHERE id = ?",
        [
            (now + min(max(since + delay - now, 0), delay) + draw(), own_id)
            for own_id, since, delay in rows
        ],
    )
    connection.execute(
        "UPDATE acknowledgement_pairs SET full_at = min(full_at, ?), "
        "paused_until = min(paused_until, ?)",
        (now + BURST * INTERVAL, now + LONGEST_PAUSE),
    )
    set_all_next(connection)


def _works(connection: Connection, of: DueAcknowledgement) -> None:
    connection.execute(
        "UPDATE acknowledgement_pairs SET failures = 0, paused_until = 0 WHERE id = ?",
        (of.pair_id,),
    )
    set_next(connection, of.pair_id)
