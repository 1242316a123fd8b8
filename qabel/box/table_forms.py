"""What the tables of a stranger's SQLite file must look like, before any is read."""

import sqlite3
from collections.abc import Mapping, Sequence

from attrs import frozen

from qabel.box.errors import UnreadableMetadata
from qabel.box.sqlite_bytes import MetadataFile

MAX_OBJECTS = 64
"""Tables and indexes that a file may have."""


@frozen
class TableForm:
    """What is expected of a table."""

    key: str | None
    """The column that is its primary key; None if it has none."""
    needed: tuple[str, ...]
    """The columns that it must have, in the order in which new ones have them."""
    optional: tuple[str, ...] = ()
    """Columns that older clients did not write."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are known."""
        return (*self.needed, *self.optional)


def check_tables(
    file: MetadataFile, forms: Mapping[str, TableForm], *, allow_more: bool
) -> dict[str, Sequence[str]]:
    """Return which of the known columns each known table has.

    Args:
        file: as ``sqlite_bytes.opened`` gives it.
        forms: what is expected, by the names of tables. Each must be there.
        allow_more: whether there may be other tables, columns and indexes, which newer clients may
            have made.

    Raises:
        UnreadableMetadata: something is missing, or not allowed. Views, triggers, virtual tables,
            generated columns, and indexes of expressions or of a part of the rows never are.

    """
    names = _names_of_tables(file.connection)
    for name in forms:
        if name not in names:
            raise UnreadableMetadata(f"it has no table {name}")
    if not allow_more and len(names) > len(forms):
        raise UnreadableMetadata("it has tables that are not expected")
    return {
        name: _check_table(file.connection, name, form, allow_more) for name, form in forms.items()
    }


def _names_of_tables(connection: sqlite3.Connection) -> set[str]:
    names = set()
    rows = connection.execute("SELECT type, name, rootpage FROM sqlite_master LIMIT ?", [10**6])
    for number, (kind, name, page) in enumerate(rows, 1):
        if number > MAX_OBJECTS:
            raise UnreadableMetadata(f"it has more than {MAX_OBJECTS} tables and indexes")
        # Views, triggers and virtual tables have no page.
        if kind not in (b"table", b"index") or not isinstance(page, int) or page < 1:
            raise UnreadableMetadata("it has views, triggers or virtual tables")
        if kind == b"table":
            names.add(_text(name))
    return names


def _text(name: object) -> str:
    """Return the name of something. Those that are known are in ASCII."""
    return name.decode(errors="replace") if isinstance(name, bytes) else ""


def _check_table(
    connection: sqlite3.Connection, table: str, form: TableForm, allow_more: bool
) -> Sequence[str]:
    found: dict[str, int] = {}
    for _, name, _, _, _, key, hidden in connection.execute(f"PRAGMA table_xinfo({table})"):
        if hidden:
            raise UnreadableMetadata(f"the table {table} has generated columns")
        found[_text(name)] = key
    for name in form.needed:
        if name not in found:
            raise UnreadableMetadata(f"the table {table} has no column {name}")
    if not allow_more and found.keys() - set(form.columns):
        raise UnreadableMetadata(f"the table {table} has columns that are not expected")
    if [name for name, key in found.items() if key] != ([form.key] if form.key else []):
        raise UnreadableMetadata(f"the table {table} has another primary key")
    _check_indexes(connection, table)
    return [name for name in form.columns if name in found]


def _check_indexes(connection: sqlite3.Connection, table: str) -> None:
    for _, name, _, _, is_partial in connection.execute(f"PRAGMA index_list({table})").fetchall():
        quoted = _text(name).replace('"', '""')
        columns = connection.execute(f'PRAGMA index_xinfo("{quoted}")').fetchall()
        if is_partial or not columns or any(column < -1 for _, column, *_ in columns):
            raise UnreadableMetadata(f"the table {table} has an index that is not expected")
