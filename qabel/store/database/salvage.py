"""Copy all that can be read of a damaged database into a new one."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
from sqlcipher3 import dbapi2 as sqlcipher

from qabel.host.private_files import create_private
from qabel.store.database.connection import Connection, connect, fetch_one
from qabel.store.database.creating import begin_file
from qabel.store.database.damaged_file import Progress, mark_unreadable, merge_log
from qabel.store.database.disk_space import diagnose
from qabel.store.database.errors import Corrupt, NotADatabase
from qabel.store.database.schema import upgrade
from qabel.store.database.table_reader import DamagedSource, Gap, Key, Row, TableReader, runs

_SEQUENCES = "sqlite_sequence"


@attrs.frozen
class Loss:
    """Something that could not be read: in which table, and which rows, in words."""

    table: str
    rows: str


@attrs.frozen
class Salvaged:
    """What became of a damaged database."""

    copied: Mapping[str, int]
    """How many rows of each table were copied."""
    losses: tuple[Loss, ...]
    damaged_pages: int


def salvage(
    copy: Path,
    target: Path,
    keys: Sequence[bytes],
    steps: Sequence[str],
    mend: Callable[[Connection, bool], list[Loss]],
    progress: Progress,
) -> Salvaged:
    """Copy what can be read of a damaged database into a new one, of the newest version.

    Args:
        copy: a copy of the damaged database (``damaged_file.copy_damaged``), which is changed.
        target: the file to create.
        keys: one of which opens it, and will open the new one.
        steps: the SQL of the migrations.
        mend: called with the new database, in a transaction, and whether it has all events of the
            old one; makes its rows agree, and returns what had to be left out for that.
        progress: called with what is being done.

    Raises:
        NotADatabase or Corrupt: nothing can be read, as the beginning or the description of the
            tables is damaged.
        OSError, or another StoreError.

    """
    key, damaged_transactions = _find_key(copy, keys)
    bad = mark_unreadable(copy, key, progress)
    losses = [Loss("log", f"{damaged_transactions} transactions")] * bool(damaged_transactions)
    source = DamagedSource(lambda: connect(copy, key))
    create_private(target)
    made = connect(target, key)
    try:
        copied = _copy_tables(source, made, steps, bad, losses, progress)
        progress("checking the copy")
        losses += _finish(made, steps, lambda: mend(made, _has_events(copied, losses)))
    except sqlcipher.Error as error:
        raise diagnose(error, target) from error
    finally:
        source.close()
        made.close()
    return Salvaged(copied, tuple(losses), len(bad))


def _has_events(copied: Mapping[str, int], losses: Sequence[Loss]) -> bool:
    return copied.get("state", 0) > 0 and all(each.table != "events" for each in losses)


def _finish(made: Connection, steps: Sequence[str], mend: Callable[[], list[Loss]]) -> list[Loss]:
    """Upgrade and mend the new database, and check it; return what was lost with that."""
    upgrade(made, steps)
    made.execute("BEGIN IMMEDIATE")
    losses = mend()
    made.execute("COMMIT")
    if fetch_one(made, "PRAGMA integrity_check")[0] != "ok":
        raise Corrupt("The salvaged database is not consistent.")
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return losses


def _find_key(copy: Path, keys: Sequence[bytes]) -> tuple[bytes, int]:
    """Return the key that fits, and how many transactions of the log are lost."""
    for key in keys:
        try:
            return key, merge_log(copy, key)
        except sqlcipher.DatabaseError:
            continue
    raise NotADatabase(
        "Nothing can be salvaged: the key does not fit, or the first page of the database is "
        "damaged. Restore a backup with qabel restore."
    )


def _copy_tables(
    source: DamagedSource,
    made: Connection,
    steps: Sequence[str],
    bad: frozenset[int],
    losses: list[Loss],
    progress: Progress,
) -> Mapping[str, int]:
    roots = _roots(source)
    [(version,)], _ = source.query("PRAGMA user_version")
    if not 0 < version <= len(steps):
        raise NotADatabase("This is not a database of this version of Qabel.")
    begin_file(made)
    made.execute("PRAGMA synchronous = OFF")
    upgrade(made, steps[:version])
    made.execute("BEGIN IMMEDIATE")
    triggers = made.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        made.execute(f"DROP TRIGGER {name}")
    tables = made.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    # The sequences last: copying rows changes them.
    names = sorted((name for (name,) in tables), key=lambda name: (name == _SEQUENCES, name))
    copied = {}
    for name in names:
        progress(f"copying {name}")
        is_lost = name not in roots or roots[name] in bad
        copied[name] = _copy_table(source, made, name, losses, is_lost=is_lost)
    losses += _remove_orphans(made, [name for name in names if name != _SEQUENCES])
    if "modules" in names:
        losses += _forget_modules(made)
    for _, sql in triggers:
        made.execute(sql)
    made.execute("COMMIT")
    return copied


def _forget_modules(made: Connection) -> list[Loss]:
    """Have modules begin anew, as their tables are not copied."""
    modules = made.execute("SELECT name FROM modules ORDER BY name").fetchall()
    made.execute("DELETE FROM set_aside")
    made.execute("DELETE FROM modules")
    return [
        Loss(name, "what the module kept of its own; what it makes of messages is made anew")
        for (name,) in modules
    ]


def _roots(source: DamagedSource) -> Mapping[str, int]:
    """Return the first page of each table."""
    rows, is_broken = source.query("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'")
    if is_broken:
        raise Corrupt(
            "Nothing can be salvaged: the description of the tables is damaged. Restore a backup "
            "with qabel restore."
        )
    return dict(rows)


def _copy_table(
    source: DamagedSource, made: Connection, name: str, losses: list[Loss], *, is_lost: bool
) -> int:
    info = made.execute(f"PRAGMA table_info({name})").fetchall()
    columns = [row[1] for row in info]
    keys = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    has_rowid = name == _SEQUENCES or _has_rowid(made, name)
    if has_rowid and name != _SEQUENCES and not _is_alias(info):
        columns = ["rowid", *columns]
    insert = _insert(name, columns)
    count = 0

    def keep(rows: list[Row]) -> None:
        nonlocal count
        if name == _SEQUENCES:
            _raise_sequences(made, rows)
        else:
            made.executemany(insert, rows)
        count += len(rows)

    reader = TableReader(
        source, name, columns, ["rowid"] if has_rowid else keys, keep, is_lost=is_lost
    )
    reader.read_all()
    losses += [Loss(name, text) for gap in reader.gaps for text in _described(gap, has_rowid)]
    return count


def _has_rowid(made: Connection, name: str) -> bool:
    [(_, _, _, _, without_rowid, _)] = made.execute(f"PRAGMA table_list({name})").fetchall()
    return not without_rowid


def _is_alias(info: Sequence[Row]) -> bool:
    """Return whether the key of a table is its rowid."""
    keys = [row for row in info if row[5]]
    return len(keys) == 1 and keys[0][2].upper() == "INTEGER"


def _insert(name: str, columns: Sequence[str]) -> str:
    marks = ", ".join("?" * len(columns))
    # A new database has some rows already.
    return f"INSERT OR REPLACE INTO {name} ({', '.join(columns)}) VALUES ({marks})"


def _raise_sequences(made: Connection, rows: Sequence[Row]) -> None:
    for name, seq in rows:
        made.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0 WHERE NOT EXISTS "
            "(SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (name, name),
        )
        made.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (seq, name))


def _remove_orphans(made: Connection, names: Sequence[str]) -> list[Loss]:
    """Remove the rows that refer to lost rows, and what refers to them in turn."""
    found: dict[tuple[str, str], int] = {}
    removed = True
    while removed:
        removed = False
        for name in names:
            for _, _, parent, column, to, *_ in made.execute(
                f"PRAGMA foreign_key_list({name})"
            ).fetchall():
                gone = made.execute(
                    f"DELETE FROM {name} WHERE {column} IS NOT NULL AND {column} NOT IN "
                    f"(SELECT {to or 'rowid'} FROM {parent})"
                ).rowcount
                if gone:
                    removed = True
                    found[name, parent] = found.get((name, parent), 0) + gone
    return [
        Loss(name, f"{count} rows that belong to lost rows of {parent}")
        for (name, parent), count in found.items()
    ]


def _described(gap: Gap, has_rowid: bool) -> list[str]:
    if gap.ids is not None:
        return [_ids(first, last) for first, last in runs(gap.ids)]
    if has_rowid:
        if gap.after is None and gap.before is None:
            return ["all rows"]
        if gap.before is None:
            return [f"ids after {_only(gap.after)}"]
        first = None if gap.after is None else _only(gap.after) + 1
        last = _only(gap.before) - 1
        return [f"ids up to {last}" if first is None else _ids(first, last)]
    if gap.after is None and gap.before is None:
        return ["all rows"]
    return ["some rows" + _named(" after", gap.after) + _named(" before", gap.before)]


def _ids(first: int, last: int) -> str:
    return f"id {first}" if first == last else f"ids {first} to {last}"


def _only(key: Key | None) -> int:
    return int(key[0]) if key else 0


def _named(word: str, key: Key | None) -> str:
    # Other keys may be hashes or secrets of clients.
    return f"{word} {key[0]}" if key is not None and isinstance(key[0], int) else ""
