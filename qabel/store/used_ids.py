"""The ids that identities and contacts ever had: none is given to another one."""

from collections.abc import Iterable, Mapping

from qabel.settings.used_ids import UsedId, UsedIds
from qabel.store.database.connection import Connection


def load(connection: Connection) -> Mapping[str, UsedIds]:
    """Return all ids that were ever used, by the kinds of items."""
    found = {
        kind: UsedIds(last) for kind, last in connection.execute("SELECT kind, last FROM given_ids")
    }
    used: dict[str, list[tuple[int, bytes]]] = {kind: [] for kind in found}
    for kind, number, digest in connection.execute("SELECT kind, id, digest FROM used_ids"):
        used[kind].append((number, bytes(digest)))
    return {kind: ids.grown(used[kind]) for kind, ids in found.items()}


def add(connection: Connection, used: Iterable[UsedId]) -> None:
    """Record ids with the digests of their keys, within a transaction; they stay for ever."""
    connection.executemany(
        "INSERT OR IGNORE INTO used_ids (kind, id, digest) VALUES (?, ?, ?)",
        [(each.kind, each.id, each.digest) for each in used],
    )
