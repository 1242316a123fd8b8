"""What modules make of the journal: changes of their tables, and events."""

import re
from collections.abc import Mapping, Sequence

import attrs

from qabel.jsontext import encode
from qabel.store.database.connection import Connection, Parameters
from qabel.store.modules.tables import ModuleStoreError, is_own
from qabel.store.numbers import Subject, add_event, last_seq

_CHANGES = re.compile(
    r"\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)"
    r'\s+"?(\w+)"?',
    re.I,
)


@attrs.frozen
class Change:
    """A statement that changes rows of a module's own tables, with the values of each row."""

    sql: str
    rows: Sequence[Parameters] = attrs.field(repr=False)


@attrs.frozen
class Told:
    """An event: what happened, without any text of people."""

    kind: str
    detail: Mapping[str, object] = attrs.field(repr=False)
    about: Subject | None = None
    """The identity that it is about; None for what is about no single one."""


def apply(
    connection: Connection,
    name: str,
    changes: Sequence[Change],
    told: Sequence[Told],
    now: float,
) -> int:
    """Make changes and add events, within a transaction; return the newest number in the journal.

    Args:
        connection: with a transaction open.
        name: the module.
        changes: to its tables.
        told: events.
        now: seconds since the epoch.

    Raises:
        ModuleStoreError: a statement would change another table.

    """
    for change in changes:
        match = _CHANGES.match(change.sql)
        if match is None or not is_own(name, match[1]):
            raise ModuleStoreError(
                f"A statement of {name} changes none of its tables: {change.sql[:60]}"
            )
        connection.executemany(change.sql, change.rows)
    for each in told:
        detail = encode(dict(each.detail))
        add_event(connection, each.kind, detail, int(now * 1000), about=each.about)
    return last_seq(connection)
