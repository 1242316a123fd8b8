"""Make the rows of a salvaged database agree with each other, after some were lost."""

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.salvage import Loss

LOST = "Lost in a damaged database."
"""The reason of deliveries of which the postings were lost."""


def mend(connection: Connection, has_events: bool) -> list[Loss]:
    """Recompute counts, and settle what cannot go on; return what was lost with that.

    Args:
        connection: of a database of the newest version, with a transaction open.
        has_events: whether no event was lost, as far as is known.

    """
    losses = [*_lost_documents(connection), *_settle_deliveries(connection)]
    connection.execute(_NUMBERS)
    if not has_events:
        # Whoever follows events must be told, and start again: see Follower.check.
        connection.execute("UPDATE state SET floor = last_seq")
    for statement in _COUNTS:
        connection.execute(statement)
    return losses


def _lost_documents(connection: Connection) -> list[Loss]:
    names = {row[0] for row in connection.execute("SELECT name FROM documents").fetchall()}
    losses = []
    if "synced" not in names and _was_used(connection):
        losses.append(
            Loss("documents", "synced: all identities, with their private keys, and all contacts")
        )
    if "settings" not in names and _was_used(connection):
        losses.append(Loss("documents", "settings: the local settings"))
    return losses


def _was_used(connection: Connection) -> bool:
    row = fetch_one(connection, "SELECT last_seq FROM state")
    return bool(row[0])


def _settle_deliveries(connection: Connection) -> list[Loss]:
    failed = connection.execute(
        "UPDATE deliveries SET state = 'failed', reason = ?, sealed = NULL, settled = created "
        "WHERE state = 'queued' AND (sealed IS NULL OR NOT EXISTS "
        "(SELECT 1 FROM postings WHERE delivery_id = deliveries.id AND state = 'queued'))",
        (LOST,),
    ).rowcount
    connection.execute(_NEXT_IN_LINE)
    if not failed:
        return []
    noun = "message that waited" if failed == 1 else "messages that waited"
    return [Loss("deliveries", f"{failed} {noun} to be sent, marked as failed")]


_NEXT_IN_LINE = """
UPDATE postings SET next_attempt = 0 WHERE next_attempt IS NULL AND id IN
    (SELECT min(id) FROM postings WHERE state = 'queued' GROUP BY url, recipient)
"""
"""Only the first posting to a URL is due; it may have been lost."""

_NUMBERS = """
UPDATE state SET last_seq = max(last_seq,
    coalesce((SELECT max(id) FROM messages), 0), coalesce((SELECT max(seq) FROM events), 0),
    coalesce((SELECT max(seq) FROM consumers), 0), coalesce((SELECT max(cursor) FROM webhooks), 0),
    coalesce((SELECT max(first) + 1 FROM starts WHERE first >= 0), 0))
"""

_COUNTS = (
    """UPDATE state SET messages = (SELECT count(*) FROM messages),
        stranger_bytes = (SELECT coalesce(sum(stranger), 0) FROM messages)""",
    """UPDATE state SET (queued, sent, failed) = (SELECT
        count(*) FILTER (WHERE state = 'queued'), count(*) FILTER (WHERE state = 'sent'),
        count(*) FILTER (WHERE state = 'failed') FROM deliveries WHERE kind = 'message')""",
    """UPDATE refused SET messages =
        (SELECT count(*) FROM foreign_hashes WHERE refused = refused.kind)""",
    """UPDATE given_ids SET last = max(last, coalesce((SELECT max(id) FROM used_ids
        WHERE used_ids.kind = given_ids.kind AND id < 2147483647), 0))""",
)
