"""What a module is made of: everything that the author of one imports is here."""

import re
from collections.abc import Callable, Mapping, Sequence

from attrs import Attribute, define, field, frozen

from qabel.contract.routes import Routes
from qabel.store.database.connection import Parameters
from qabel.store.modules.changes import Change, Told
from qabel.store.modules.entries import (
    DeliveryChanged,
    Entry,
    PeopleChanged,
    Person,
    Place,
    Read,
    Received,
    Recipient,
    Sent,
)
from qabel.store.numbers import Subject

__all__ = [
    "DeliveryChanged",
    "Entry",
    "Module",
    "PeopleChanged",
    "Person",
    "Place",
    "Prepared",
    "Read",
    "Received",
    "Recipient",
    "Routes",
    "Sent",
]

_NAME = re.compile(r"[a-z][a-z0-9]{1,31}")
_RESERVED = frozenset({"qabel", "sqlite", "module", "modules"})


@define(eq=False)
class Prepared:
    """What a module makes of some entries: it is stored in one transaction, or not at all."""

    changes: list[Change] = field(factory=list, init=False)
    told: list[Told] = field(factory=list, init=False)

    def write(self, sql: str, *rows: Parameters) -> None:
        """Add a statement that changes a table of the module.

        Args:
            sql: an INSERT, UPDATE, DELETE or REPLACE.
            rows: the values of each row that it is run for.

        """
        self.changes.append(Change(sql, rows))

    def tell(
        self,
        kind: str,
        detail: Mapping[str, object],
        *,
        about: Received | Sent | None = None,
    ) -> None:
        """Add an event, unless the entries are old.

        Args:
            kind: what happened; it gets the name of the module in front: ``chat.message``.
            detail: ids, and no text of people: clients see it that may not read messages.
            about: a message of the identity that the event is about; None if it is about none.

        """
        subject = None if about is None else Subject(about.identity_id, about.identity, None)
        self.told.append(Told(kind, detail, subject))


def _check_name(_: object, __: "Attribute[str]", name: str) -> None:
    if _NAME.fullmatch(name) is None or name in _RESERVED:
        raise ValueError(
            f"the name of a module has 2 to 32 lowercase letters and digits, not {name!r}"
        )


@frozen(kw_only=True)
class Module:
    """The declaration of a module."""

    name: str = field(validator=_check_name)
    """Its tables, routes, scopes and events have this name, or begin with it."""
    summary: str
    """What it does, in a sentence for users."""
    kinds: frozenset[str] = field(converter=frozenset)
    """The kinds of messages that it owns (``model_object``)."""
    takes_others: bool = False
    """Whether it wants the messages of kinds that no module owns as well."""
    steps: Sequence[str] = ()
    """The SQL of its tables: one migration after another, each made once."""
    derived: Sequence[str] = ()
    """The tables whose rows are made from the journal alone: a rebuild empties them."""
    routes: Routes | None = None
    """What it offers over REST: paths that begin with its name."""
    prepare: Callable[[Sequence[Entry], Read], Prepared]
    """Returns what to store because of some entries, in the order of the journal.

    It is called on a thread of the modules, and must not change anything itself. After a failure
    it may be called again, with the same entries or with others.
    """
