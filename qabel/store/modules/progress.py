"""How far modules have read the journal, stored with what they make of it."""

from collections.abc import Sequence
from functools import partial

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database
from qabel.store.modules.changes import Change, Told, apply
from qabel.store.modules.deletion_check import kept_after_deletion
from qabel.store.modules.emptying import empty_some
from qabel.store.modules.places import BEGINNING, Place
from qabel.store.modules.tables import ModuleStoreError, migrate
from qabel.store.numbers import last_seq
from qabel.store.outbox.adding import KeyedSend, add_keyed
from qabel.store.outbox.sends import Posting


@attrs.frozen
class Progress:
    """How far a module is."""

    place: Place
    """The last entry that it has dealt with."""
    live: int
    """Entries up to this number were there before it, or are read again."""
    is_emptying: bool = False
    """Whether its derived tables are being emptied: ``rebuild`` is to go on."""
    set_aside: int = 0
    """How many entries it could not deal with."""

    @property
    def is_live(self) -> bool:
        """Whether the entries that come now are news."""
        return self.place.seq >= self.live


@attrs.frozen
class Written:
    """What was stored of what a module made."""

    newest: int
    """The newest number in the journal."""
    ready: tuple[Posting, ...] = ()
    """Postings that may start now."""


@attrs.frozen
class SetAside:
    """An entry that a module could not deal with."""

    place: Place
    reason: str
    since: int
    """In milliseconds since the epoch."""


@attrs.frozen(eq=False)
class ModuleRepository:
    """The repository of modules. Nobody but the host of modules uses it."""

    _database: Database

    @property
    def asked(self) -> int:
        """How many transactions the database was asked for so far, by whomever."""
        return self._database.asked

    def open(
        self, name: str, steps: Sequence[str], derived: Sequence[str] = ()
    ) -> "Deferred[Progress]":
        """Make the tables of a module, or bring them to its version.

        If a further step makes or changes a derived table, all of these are to be made anew.

        Args:
            name: the module. Its tables have this name, or begin with it and an underscore.
            steps: SQL, one migration after another; those that were made are skipped.
            derived: the names of the derived tables.

        Fails with ModuleStoreError if the tables are newer or not the module's own, or with another
        StoreError; nothing is changed then.

        """
        return self._database.run(partial(_open, name=name, steps=steps, derived=derived))

    def progress(self, name: str) -> "Deferred[Progress]":
        """Return how far a module is whose tables are there."""
        return self._database.run(partial(_progress, name=name))

    def write(
        self,
        name: str,
        at: Place,
        to: Place,
        changes: Sequence[Change] = (),
        told: Sequence[Told] = (),
        sends: Sequence[KeyedSend] = (),
        *,
        now: float,
    ) -> "Deferred[Written | None]":
        """Store what a module made of some entries, and that it has dealt with them.

        Args:
            name: the module.
            at: the place that the entries follow.
            to: the last of them.
            changes: to its tables.
            told: events.
            sends: what is to be sent.
            now: seconds since the epoch.

        Returns:
            What was stored; None if the module is at another place by now, and nothing was.

        Fails with ModuleStoreError for a change of a table that is not the module's own, or with
        IdempotencyMismatch.

        """

        def work(connection: Connection) -> Written | None:
            if not _move(connection, name, at, to):
                return None
            return _write(connection, name, changes, told, sends, now)

        return self._database.run(work)

    def set_aside(
        self, name: str, at: Place, entry: Place, reason: str, *, now: float
    ) -> "Deferred[bool]":
        """Go past an entry that the module could not deal with; fires with whether it was there.

        Args:
            name: the module.
            at: the place before the entry.
            entry: the place of the entry.
            reason: what happened.
            now: seconds since the epoch.

        """
        milliseconds = int(now * 1000)

        def work(connection: Connection) -> bool:
            if not _move(connection, name, at, entry):
                return False
            connection.execute(
                "INSERT OR REPLACE INTO set_aside (module, seq, part, reason, since) "
                "VALUES (?, ?, ?, ?, ?)",
                (name, entry.seq, entry.part, reason, milliseconds),
            )
            return True

        return self._database.run(work)

    def take_up(
        self,
        name: str,
        entry: Place,
        changes: Sequence[Change],
        sends: Sequence[KeyedSend] = (),
        *,
        now: float,
    ) -> "Deferred[Written | None]":
        """Store what a module made of an entry that was set aside, which it is no longer.

        The arguments are those of ``write``. Fires with what was stored, or with None if the entry
        was not set aside.
        """

        def work(connection: Connection) -> Written | None:
            was_there = connection.execute(
                "DELETE FROM set_aside WHERE module = ? AND seq = ? AND part = ?",
                (name, entry.seq, entry.part),
            ).rowcount
            return _write(connection, name, changes, (), sends, now) if was_there else None

        return self._database.run(work)

    def change(
        self, name: str, changes: Sequence[Change], told: Sequence[Told] = (), *, now: float
    ) -> "Deferred[int]":
        """Change tables of a module because of what a user does; the arguments are as of ``write``.

        Fires with the newest number in the journal. Fails with ModuleStoreError for a change of a
        table that is not the module's own.
        """
        return self._database.run(partial(apply, name=name, changes=changes, told=told, now=now))

    def all_set_aside(self, name: str) -> "Deferred[list[SetAside]]":
        """Return what a module could not deal with, in the order of the journal."""

        def work(connection: Connection) -> list[SetAside]:
            rows = connection.execute(
                "SELECT seq, part, reason, since FROM set_aside WHERE module = ? "
                "ORDER BY seq, part",
                (name,),
            )
            return [SetAside(Place(seq, part), *rest) for seq, part, *rest in rows]

        return self._database.run(work)

    def rebuild(self, name: str, derived: Sequence[str]) -> "Deferred[bool]":
        """Delete some rows of the derived tables of a module, and have it begin anew.

        Args:
            name: the module.
            derived: the names of the tables.

        Returns:
            Whether there may be more rows: call it again then.

        """
        return self._database.run(partial(_rebuild, name=name, derived=derived))


def _open(
    connection: Connection, name: str, steps: Sequence[str], derived: Sequence[str]
) -> Progress:
    row = connection.execute("SELECT version FROM modules WHERE name = ?", (name,)).fetchone()
    if row is None:
        connection.execute(
            "INSERT INTO modules (name, live) VALUES (?, ?)", (name, last_seq(connection))
        )
    have = 0 if row is None else row[0]
    if have > len(steps):
        raise ModuleStoreError(
            f"The tables of {name} have version {have}, and this version of it knows {len(steps)} "
            "versions: install the newer one again."
        )
    changed = migrate(connection, name, steps[have:])
    reason = kept_after_deletion(connection, derived)
    if reason is not None:
        raise ModuleStoreError(reason)
    connection.execute("UPDATE modules SET version = ? WHERE name = ?", (len(steps), name))
    if have and not changed.isdisjoint(derived):
        connection.execute("UPDATE modules SET is_emptying = 1 WHERE name = ?", (name,))
    return _progress(connection, name)


def _progress(connection: Connection, name: str) -> Progress:
    seq, part, live, is_emptying, set_aside = fetch_one(
        connection,
        "SELECT seq, part, live, is_emptying, "
        "(SELECT count(*) FROM set_aside WHERE module = name) FROM modules WHERE name = ?",
        (name,),
    )
    return Progress(Place(seq, part), live, bool(is_emptying), set_aside)


def _move(connection: Connection, name: str, at: Place, to: Place) -> bool:
    return (
        connection.execute(
            "UPDATE modules SET seq = ?, part = ? WHERE name = ? AND seq = ? AND part = ?",
            (to.seq, to.part, name, at.seq, at.part),
        ).rowcount
        == 1
    )


def _write(
    connection: Connection,
    name: str,
    changes: Sequence[Change],
    told: Sequence[Told],
    sends: Sequence[KeyedSend],
    now: float,
) -> Written:
    ready = add_keyed(connection, sends, int(now * 1000))
    return Written(apply(connection, name, changes, told, now), ready)


def _rebuild(connection: Connection, name: str, derived: Sequence[str]) -> bool:
    is_more = empty_some(connection, name, derived)
    connection.execute(
        "UPDATE modules SET seq = ?, part = ?, live = ?, is_emptying = ? WHERE name = ?",
        (BEGINNING.seq, BEGINNING.part, last_seq(connection), is_more, name),
    )
    connection.execute("DELETE FROM set_aside WHERE module = ?", (name,))
    return is_more
