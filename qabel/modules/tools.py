"""What a module gets beside the journal: settings, people, the clock, and other modules."""

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.logger import Logger

from qabel.modules.known_people import KnownPeople
from qabel.modules.own_settings import OwnSettings
from qabel.store.database.connection import Parameters
from qabel.store.modules.entries import Read, Received, read_entries
from qabel.store.modules.places import Place


@frozen(eq=False)
class ModuleTools:
    """The tools of one module. They may be used on any thread, and hold up none."""

    name: str
    """The name of the module."""
    settings: OwnSettings
    """What the module has stored in the settings, as its forms read it."""
    people: KnownPeople
    """Identities and contacts, and who is blocked."""
    now: Callable[[], float]
    """Returns seconds since the epoch."""
    _find: Callable[[str], object | None]

    @property
    def log(self) -> Logger:
        """The logger; never log what messages say."""
        return Logger(namespace=f"qabel.modules.{self.name}")

    def service(self, name: str) -> Any:
        """Return what another module offers; None if it does not run, or offers nothing.

        Ask each time: the other module may start later, or fail.
        """
        return self._find(name)


@frozen(eq=False)
class ModuleRead:
    """What ``prepare`` reads with: call it with a statement and its values."""

    _read: Read
    tools: ModuleTools
    """Settings, people, the clock, and other modules."""

    def __call__(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, and return its rows. Raises StoreError."""
        return self._read(sql, values)

    def message(self, message_id: int) -> Received | None:
        """Return a received message; None if it is not there any more."""
        return read_message(self._read, message_id)


def read_message(read: Read, message_id: int) -> Received | None:
    """Return a received message by its id; None if there is none. Raises StoreError."""
    found = read_entries(read, Place(message_id).before, 1, (), but=True).entries
    is_it = [each for each in found if isinstance(each, Received) and each.message_id == message_id]
    return is_it[0] if is_it else None
