"""Messages that cannot be read: read around them, and say which they are."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import attrs

from qabel.store.database.around import Around, Table, read_around, read_until_damage
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.inbox import message_rows as rows
from qabel.store.inbox.message_rows import EVERYTHING, Filter


@attrs.frozen
class DamagedRange:
    """Messages that cannot be read: those with ids from ``first`` to ``last``, both included.

    Not each of these numbers is the id of a message.
    """

    first: int
    last: int
    identity_id: int | None = None
    """Whose messages they are; None if that cannot be found out, or was not asked."""


async def read_around_damage(
    database: Database,
    which: Filter = EVERYTHING,
    *,
    after: int,
    limit: int,
    upto: int,
    more_columns: str = "",
) -> tuple[Around, list[DamagedRange]]:
    """Return messages as JSON with ids above ``after``, and which others cannot be read.

    Args:
        database: the database.
        which: the messages that are wanted; damaged ones are told only if they match, as far as
            the indexes know that.
        after: the id to continue from.
        limit: the largest number of messages.
        upto: the largest id that there may be.
        more_columns: SQL for columns that follow the JSON.

    Raises:
        StoreError: nothing can be read.

    """
    condition = f"(1{which.sql})"
    table = Table(
        name="messages",
        key="id",
        columns=f"CASE WHEN {condition} THEN CAST({rows.JSON} AS BLOB) END{more_columns}",
        condition=condition,
        parameters=which.parameters,
        index="messages_by_identity",
    )
    around = await read_around(database, table, after=after, limit=limit, upto=upto)
    damaged: list[DamagedRange] = []
    for first, last in around.gaps:
        damaged += await database.run(partial(_damaged, which=which, first=first, last=last))
    return around, damaged


def _damaged(
    connection: Connection, *, which: Filter, first: int, last: int
) -> Sequence[DamagedRange]:
    """Return which messages are in a gap, as an index knows them; all of it if none can be read."""
    index, column = "messages_by_identity", "identity_id"
    if which.identity_id is None and which.contact_id is not None:
        index, column = "messages_by_contact", "contact_id"
    elif which.identity_id is None and which.model_object is not None:
        index, column = "messages_by_model", "model_object"
    value = which.parameters.get(column)
    given = "" if value is None else f"{column} = :value AND "
    found, is_damaged = read_until_damage(
        connection,
        f"SELECT id, {column} FROM messages INDEXED BY {index} "
        f"WHERE {given}id BETWEEN :first AND :last ORDER BY id",
        {"value": value, "first": first, "last": last},
    )
    if is_damaged:
        return [DamagedRange(first, last)]
    ranges = []
    for owner, group in groupby(found, lambda row: row[1]):
        ids = [row[0] for row in group]
        identity = owner if column == "identity_id" else None
        ranges.append(DamagedRange(ids[0], ids[-1], identity))
    return ranges
