"""The settings documents, as JSON text under a name."""

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.numbers import add_event


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

    def save(self, name: str, text: bytes, *, event: bool, now: float) -> "Deferred[int | None]":
        """Store the JSON text of a document.

        Args:
            name: of the document; also the kind of the event.
            text: JSON.
            event: add an event to the journal; it says that the document changed, not how.
            now: seconds since the epoch.

        Returns:
            The event's number, or None without one.

        """

        def work(connection: Connection) -> int | None:
            connection.execute(
                "INSERT INTO documents (name, body) VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
                (name, text),
            )
            # What the change removed is to be unreadable soon; the daemon's notes remove nothing.
            connection.has_erased = connection.has_erased or event
            return add_event(connection, name, b"{}", int(now * 1000)) if event else None

        return self._database.run(work)
