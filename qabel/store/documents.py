"""The settings documents, as JSON text under a name."""

from collections.abc import Callable, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.settings.used_ids import UsedId, UsedIds
from qabel.store import used_ids
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.numbers import add_event


def _nothing(connection: Connection) -> None:
    """Change nothing more."""


@attrs.frozen(eq=False)
class DocumentRepository:
    """The repository of the settings documents."""

    _database: Database

    def load(self, name: str) -> "Deferred[bytes | None]":
        """Return the JSON text of a document, or None if it was never saved."""

        def work(connection: Connection) -> bytes | None:
            row = connection.execute(
                "SELECT body FROM documents WHERE name = ?", (name,)
            ).fetchone()
            return None if row is None else bytes(row[0])

        return self._database.run(work)

    def used_ids(self) -> "Deferred[Mapping[str, UsedIds]]":
        """Return the ids that items ever had, by the lists that they are or were in."""
        return self._database.run(used_ids.load)

    def save(
        self,
        name: str,
        text: bytes,
        *,
        event: bool,
        now: float,
        used: Sequence[UsedId] = (),
        also: Callable[[Connection], object] = _nothing,
    ) -> "Deferred[int | None]":
        """Store the JSON text of a document, and what belongs to the change, in one transaction.

        Args:
            name: of the document; also the kind of the event.
            text: JSON.
            event: add an event to the journal; it says that the document changed, not how.
            now: seconds since the epoch.
            used: ids that its items have now.
            also: makes further changes in the transaction.

        Returns:
            The event's number, or None without one.

        """

        def work(connection: Connection) -> int | None:
            connection.execute(
                "INSERT INTO documents (name, body) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                (name, text),
            )
            used_ids.add(connection, used)
            also(connection)
            # What the change removed is to be unreadable soon; the daemon's notes remove nothing.
            connection.has_erased = connection.has_erased or event
            return add_event(connection, name, b"{}", int(now * 1000)) if event else None

        return self._database.run(work)
