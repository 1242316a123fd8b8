"""What of deleted words stays in the index of a full-text table, and how that is taken out, too.

Of each page of its index but the first, FTS5 keeps a separator: the beginning of the page's first
word, as far as that differs from the last word of the page before. With ``secure-delete`` it takes
the word of a deleted row out of the page, and leaves the separator as it is: that may be all of the
word, if others differ from it in their last letters only. A beginning of the word that now is the
first one serves as well.

A trigger notes from which tables something was deleted, so that no others are looked at.
"""

from collections.abc import Callable, Sequence

from attrs import frozen

from qabel.store.database.connection import Connection, fetch_one

PAGES_AT_ONCE = 200
"""Pages that are read in one transaction: some milliseconds."""

# Where pages are, as in the source of FTS5: fts5_index.c.
_PAGES = """
SELECT segid, term, block FROM "{table}_idx"
JOIN "{table}_data" ON id = (segid << 37) + (pgno >> 1)
WHERE (segid, term) > (?, ?) ORDER BY segid, term LIMIT ?
"""

_NOTE = """
CREATE TRIGGER "{table}_noted" AFTER DELETE ON "{table}_{part}" BEGIN
    INSERT OR REPLACE INTO deleted_words (name, is_new) VALUES ('{table}', 1);
END
"""


@frozen
class Separator:
    """Behind which separator to go on."""

    table: str
    segment: int = 0
    term: bytes = b""


def note_deletions(connection: Connection, table: str) -> None:
    """Have it noted from now on that something is deleted from a full-text table.

    Args:
        connection: with a transaction open.
        table: the name of the table.

    """
    connection.execute(
        "CREATE TABLE IF NOT EXISTS deleted_words "
        "(name TEXT PRIMARY KEY, is_new INTEGER NOT NULL) STRICT, WITHOUT ROWID"
    )
    connection.execute(f'DROP TRIGGER IF EXISTS "{table}_noted"')
    for part in ("content", "docsize"):
        name = f"{table}_{part}"
        there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (name,))
        if there.fetchall():
            connection.execute(_NOTE.format(table=table, part=part))
            return


def has_deleted_words(connection: Connection) -> bool:
    """Return whether there may be something to mend."""
    # Without modules there is no such table.
    there = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'deleted_words'")
    return bool(
        there.fetchall() and connection.execute("SELECT 1 FROM deleted_words LIMIT 1").fetchall()
    )


def mend_all(connection: Connection, is_abandoned: Callable[[], bool]) -> None:
    """Mend all separators within a transaction, unless closing takes too long."""
    after = mend_some(connection)
    while after is not None and not is_abandoned():
        after = mend_some(connection, after)


def mend_some(connection: Connection, after: Separator | None = None) -> Separator | None:
    """Take what is left of deleted words out of some separators.

    Args:
        connection: with a transaction open, after the deletion.
        after: what was returned before.

    Returns:
        Where to go on; None if that was all.

    """
    if after is None:
        if not has_deleted_words(connection):
            return None
        table, is_there = fetch_one(
            connection,
            "SELECT name, EXISTS (SELECT 1 FROM sqlite_schema WHERE sqlite_schema.name = "
            "deleted_words.name || '_idx') FROM deleted_words LIMIT 1",
        )
        # What is deleted meanwhile is noted again.
        connection.execute("UPDATE deleted_words SET is_new = 0 WHERE name = ?", (table,))
        after = Separator(table)
        if not is_there:
            return _done(connection, table)
    pages = connection.execute(
        _PAGES.format(table=after.table), (after.segment, after.term, PAGES_AT_ONCE)
    ).fetchall()
    _mend(connection, after.table, pages)
    if len(pages) == PAGES_AT_ONCE:
        segment, term, _ = pages[-1]
        return Separator(after.table, segment, term)
    return _done(connection, after.table)


def _done(connection: Connection, table: str) -> Separator | None:
    connection.execute("DELETE FROM deleted_words WHERE name = ? AND NOT is_new", (table,))
    return mend_some(connection)


def _mend(connection: Connection, table: str, pages: Sequence[tuple[int, bytes, bytes]]) -> None:
    changes = [
        (_separator(old, first), segment, old)
        for segment, old, block in pages
        if (first := first_word(block)) is not None and first > old and not first.startswith(old)
    ]
    connection.executemany(
        f'UPDATE "{table}_idx" SET term = ? WHERE segid = ? AND term = ?', changes
    )


def _separator(old: bytes, first: bytes) -> bytes:
    """Return the shortest beginning of a word that is behind the old separator."""
    size = next(size for size in range(1, len(first) + 1) if first[:size] > old)
    return first[:size]


def first_word(block: bytes) -> bytes | None:
    """Return the first word of a page, with the character for its index; None if it has none."""
    words = int.from_bytes(block[2:4], "big")
    if words >= len(block):
        return None
    start, _ = _number(block, words)
    size, behind = _number(block, start)
    return block[behind : behind + size]


def _number(block: bytes, at: int) -> tuple[int, int]:
    """Return a number of one or two bytes, and where it ends: none is larger than a page."""
    if block[at] < 0x80:
        return block[at], at + 1
    return (block[at] & 0x7F) << 7 | block[at + 1], at + 2
