"""Acknowledgements that wait to be sent, and who may still get them.

They are no sends: each is made and sealed when it is sent, to the address that its recipient has
then. What was not sent in time, or was too much, is given up, and counted.

Times are milliseconds on the schedule of the daemon, which begins at the time of day at each start,
and never jumps after that.
"""

from collections.abc import Collection, Sequence

import attrs

from qabel.store.database.connection import Connection, fetch_one

MOST_WAITING = 1000
"""How many acknowledgements wait for each contact of an identity at most."""

BURST = 60
"""How many a contact gets at once, if it had none for a while."""

INTERVAL = 5_000
"""Milliseconds until a contact may get another one after that."""

Pair = tuple[bytes, bytes]
"""The public keys of an identity and of one of its contacts."""


@attrs.frozen(kw_only=True)
class NewAcknowledgement:
    """An acknowledgement to send after a delay."""

    identity: bytes
    """The public key of its sender."""
    contact: bytes
    """The public key of its recipient."""
    acknowledge_id: str = attrs.field(repr=False)
    since: int
    """The time from which the delay counts."""
    delay: int
    """Milliseconds."""
    is_refusal: bool = False
    """Whether it says that there is no module for the message."""


@attrs.frozen
class AcknowledgementCounts:
    """How many acknowledgements wait, and how many were given up since the database was made."""

    waiting: int
    given_up: int


def insert(connection: Connection, new: Sequence[NewAcknowledgement]) -> int | None:
    """Add acknowledgements, within a transaction; of too many for one contact, the oldest go.

    Return when the first for one of these contacts may be sent; None if there are none.
    """
    pairs: dict[Pair, tuple[int, int]] = {}
    for each in new:
        key = (each.identity, each.contact)
        if key not in pairs:
            pairs[key] = _find_pair(connection, key)
        pair_id, paused_until = pairs[key]
        since = max(each.since, paused_until)
        connection.execute(
            "INSERT INTO acknowledgements "
            "(pair_id, acknowledge_id, created, since, delay, due, is_refusal) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?4 + ?5, ?6)",
            (pair_id, each.acknowledge_id, each.since, since, each.delay, each.is_refusal),
        )
    for pair_id, _ in pairs.values():
        give_up(
            connection,
            "id IN (SELECT id FROM acknowledgements WHERE pair_id = ? "
            "ORDER BY id DESC LIMIT -1 OFFSET ?)",
            pair_id,
            MOST_WAITING,
        )
    times = [set_next(connection, pair_id) for pair_id, _ in pairs.values()]
    return min((each for each in times if each is not None), default=None)


def _find_pair(connection: Connection, pair: Pair) -> tuple[int, int]:
    found = connection.execute(
        "INSERT INTO acknowledgement_pairs (identity, contact) VALUES (?, ?) "
        "ON CONFLICT (identity, contact) DO UPDATE SET full_at = full_at "
        "RETURNING id, paused_until",
        pair,
    ).fetchall()
    return found[0][0], found[0][1]


def set_next(connection: Connection, pair_id: int) -> int | None:
    """Note when the first acknowledgement that waits for a contact may be sent, and return that."""
    _set_next(connection, "id = ?", pair_id)
    row = connection.execute(
        "SELECT next FROM acknowledgement_pairs WHERE id = ?", (pair_id,)
    ).fetchone()
    return None if row is None else row[0]


def set_all_next(connection: Connection) -> None:
    """Note when the first acknowledgement that waits for each contact may be sent."""
    _set_next(connection, "TRUE")


def _set_next(connection: Connection, which: str, *values: object) -> None:
    # The bucket has a token as soon as no more than the others are missing.
    connection.execute(
        "UPDATE acknowledgement_pairs SET next = max((SELECT min(due) FROM acknowledgements "
        f"WHERE pair_id = acknowledgement_pairs.id), full_at - {(BURST - 1) * INTERVAL}) "
        f"WHERE {which}",
        values,
    )


def give_up(connection: Connection, which: str, *values: object) -> None:
    """Delete acknowledgements, and count them; ``which`` is the SQL after WHERE."""
    count = remove(connection, which, *values)
    if count:
        connection.execute(
            "UPDATE state SET acknowledgements_given_up = acknowledgements_given_up + ?", (count,)
        )


def remove(connection: Connection, which: str, *values: object) -> int:
    """Delete acknowledgements, and return how many; ``which`` is the SQL after WHERE."""
    # Nobody asked for that: it is not urgent to erase it.
    erased = connection.has_erased
    count = connection.execute(f"DELETE FROM acknowledgements WHERE {which}", values).rowcount
    connection.has_erased = erased
    return count


def clear(connection: Connection) -> None:
    """Delete all that wait. How many each contact may get next stays as it is."""
    connection.execute("DELETE FROM acknowledgements")
    set_all_next(connection)


def keep_only(connection: Connection, pairs: Collection[Pair]) -> None:
    """Delete what waits for all others than these pairs of an identity and a contact."""
    gone = [
        (pair_id,)
        for pair_id, identity, contact in connection.execute(
            "SELECT id, identity, contact FROM acknowledgement_pairs"
        ).fetchall()
        if (bytes(identity), bytes(contact)) not in pairs
    ]
    if gone:
        connection.executemany("DELETE FROM acknowledgement_pairs WHERE id = ?", gone)


def forget_identity(connection: Connection, identity: bytes) -> None:
    """Delete all that an identity, given by its public key, has for its contacts."""
    connection.execute("DELETE FROM acknowledgement_pairs WHERE identity = ?", (identity,))


def expire(connection: Connection, before: int, now: int) -> None:
    """Give up what was added before a time, and forget contacts to which nothing is to be sent."""
    give_up(connection, "created < ?", before)
    set_all_next(connection)
    erased = connection.has_erased
    connection.execute(
        "DELETE FROM acknowledgement_pairs "
        "WHERE next IS NULL AND full_at <= :now AND paused_until <= :now",
        {"now": now},
    )
    connection.has_erased = erased


def counts(connection: Connection) -> AcknowledgementCounts:
    """Return how many wait, and how many were given up."""
    row = fetch_one(
        connection,
        "SELECT (SELECT count(*) FROM acknowledgements), acknowledgements_given_up FROM state",
    )
    return AcknowledgementCounts(*row)
