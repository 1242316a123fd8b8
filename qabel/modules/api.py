"""What a module is made of: everything that the author of one imports is here."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from attrs import Attribute, define, field, frozen

from qabel.contract.access import MODULE_NAME, Access
from qabel.contract.reply import Reply, json_reply
from qabel.contract.routes import Routes
from qabel.contract.types import Id, Milliseconds, View
from qabel.core.sending.outbox import ToSend
from qabel.forms.errors import InvalidInput
from qabel.forms.form import Form
from qabel.modules.known_people import KnownContact, KnownIdentity, KnownPeople
from qabel.modules.messaging import Message, Messaging, to_send
from qabel.modules.tools import ModuleRead, ModuleTools
from qabel.store.database.connection import Parameters
from qabel.store.modules.changes import Change, Told
from qabel.store.modules.entries import (
    DeliveryChanged,
    Entry,
    Person,
    Read,
    Received,
    Recipient,
    Sent,
)
from qabel.store.modules.happenings import Deleted, Heard, PeopleChanged, SettingsChanged
from qabel.store.modules.places import Place
from qabel.store.numbers import Subject

__all__ = [
    "Companion",
    "Deleted",
    "DeliveryChanged",
    "Entry",
    "Heard",
    "Id",
    "KnownContact",
    "KnownIdentity",
    "KnownPeople",
    "Message",
    "Messaging",
    "Milliseconds",
    "Module",
    "ModuleCall",
    "ModuleRead",
    "ModuleTools",
    "PeopleChanged",
    "Person",
    "Place",
    "Prepared",
    "Read",
    "Received",
    "Recipient",
    "Reply",
    "Routes",
    "Sent",
    "SettingsChanged",
    "View",
    "json_reply",
]


RESERVED = frozenset(
    (
        *("backup", "blocked", "console", "contacts", "docs", "drop", "events", "health"),
        *("identities", "metrics", "module", "modules", "openapi", "outbox", "qabel"),
        *("servers", "settings", "sqlite", "status", "synced", "tokens", "webhooks"),
    )
)
"""Names that no module can have: paths of the API begin with them, or tables."""


OF_THE_CORE = frozenset({"contacts", "delete"})
"""Scopes that routes of modules may need beside their own: for what these scopes allow anyway."""


class ModuleCall(Protocol):
    """A request for a route of a module."""

    @property
    def access(self) -> Access:
        """What the caller may do."""

    @property
    def query(self) -> Mapping[str, Any]:
        """The parameters in the query, checked as the route declares them."""

    def body(self) -> dict[str, Any]:
        """Return the values in the body, checked as the route declares them."""

    @property
    def tools(self) -> ModuleTools:
        """Settings, people, the clock, and other modules."""

    @property
    def messaging(self) -> Messaging:
        """People, and what a module may do with messages."""

    def text_header(self, name: str) -> str | None:
        """Return a header, checked as the route declares it; None if it is missing."""

    async def rows(self, sql: str, values: Parameters = ()) -> list[tuple[Any, ...]]:
        """Run a statement that reads, and return its rows. Raises StoreError."""

    async def change(self, made: "Prepared") -> None:
        """Change tables of the module, and tell events, all together or not at all.

        Raises StoreError.
        """


@define(eq=False)
class Prepared:
    """What a module makes of some entries: it is stored in one transaction, or not at all."""

    changes: list[Change] = field(factory=list, init=False)
    told: list[Told] = field(factory=list, init=False)
    passed_on: list[object] = field(factory=list, init=False)
    sends: list[ToSend] = field(factory=list, init=False)

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
        about: Received | Sent | DeliveryChanged | Heard | Subject | None = None,
    ) -> None:
        """Add an event, unless the entries are old.

        Args:
            kind: what happened; it gets the name of the module in front: ``chat.message``.
            detail: ids, and no text of people: clients see it that may not read messages.
            about: what happened to the identity that the event is about; None if it is about none.

        """
        subject = None
        if about is not None and about.identity_id is not None and about.identity is not None:
            subject = Subject(about.identity_id, about.identity, None)
        self.told.append(Told(kind, detail, subject))

    def pass_on(self, what: object) -> None:
        """Pass something on to the companion of the module, once it is stored.

        Nothing is passed on of old entries, or while the module is far behind. After a crash it
        may be lost: keep in tables what must not be.
        """
        self.passed_on.append(what)

    def send(
        self,
        *,
        identity: bytes,
        recipient: bytes,
        kind: str,
        data: Mapping[str, Any],
        acknowledge: bool = True,
        idempotency_key: str | None = None,
    ) -> None:
        """Add a message to send, unless the entries are old.

        All that is sent is checked before anything is stored: what cannot be sent is a failure of
        the module. It is stored with the rest, and sealed and posted after that.

        Args:
            identity: the public key of the sending identity.
            recipient: the public key of a contact of it.
            kind: the ``model_object``.
            data: what the message has.
            acknowledge: whether it asks for an acknowledgement.
            idempotency_key: nothing is sent if the module has sent the same under this key in the
                last seven days; something else under the same key is a failure.

        """
        self.sends.append(to_send(identity, recipient, kind, data, acknowledge, idempotency_key))


class Companion(Protocol):
    """What of a module runs on the reactor: for what is more than rows and events."""

    def start(self) -> None:
        """Begin; the daemon is there."""

    def stop(self) -> None:
        """End; the daemon stops."""

    def take(self, passed_on: Sequence[Any]) -> None:
        """Take what ``prepare`` has passed on, in its order."""


def _check_form(_: "Module", attribute: "Attribute[Any]", form: Form[Any] | None) -> None:
    try:
        if form is not None:
            form.read({})
    except InvalidInput as error:
        raise ValueError(f"{attribute.name}: each key needs a default: {error}") from None


def _check_hears(module: "Module", _: object, kinds: frozenset[str]) -> None:
    for kind in sorted(kinds):
        name, _, what = kind.partition(".")
        if not what or name == module.name:
            raise ValueError(f"{kind!r} is no event of another module")


def _check_routes(module: "Module", _: "Attribute[Any]", routes: Routes | None) -> None:
    for route in () if routes is None else routes.all:
        if route.path != f"/{module.name}" and not route.path.startswith(f"/{module.name}/"):
            raise ValueError(f"the path {route.path} does not begin with /{module.name}")
        others = {each for each in route.scopes if not each.startswith(f"{module.name}:")}
        if not route.scopes or not others <= OF_THE_CORE:
            raise ValueError(f"the scopes of {route.name} do not begin with {module.name}:")


def _check_name(_: object, __: "Attribute[str]", name: str) -> None:
    if re.fullmatch(MODULE_NAME, name) is None or name in RESERVED:
        raise ValueError(
            f"the name of a module has 2 to 32 lowercase letters and digits, not {name!r}"
        )


def _as_set(kinds: Iterable[str]) -> frozenset[str]:
    return frozenset(kinds)


@frozen(kw_only=True)
class Module:
    """The declaration of a module."""

    name: str = field(validator=_check_name)
    """Its tables, routes, scopes and events have this name, or begin with it."""
    summary: str
    """What it does, in a sentence for users."""
    kinds: frozenset[str] = field(converter=_as_set)
    """The kinds of messages that it owns (``model_object``)."""
    takes_others: bool = False
    """Whether it wants the messages of kinds that no module owns as well."""
    steps: Sequence[str] = ()
    """The SQL of its tables: one migration after another, each made once."""
    derived: Sequence[str] = ()
    """The tables whose rows are made from the journal alone: a rebuild empties them."""
    routes: Routes | None = field(default=None, validator=_check_routes)
    """What it offers over REST: paths that begin with its name."""
    settings: Form[Any] | None = field(default=None, validator=_check_form)
    """The form of its object in ``module_data`` of the local settings; each key has a default.
    Without a form, clients may store there what they like."""
    synced_settings: Form[Any] | None = field(default=None, validator=_check_form)
    """The same for the synced settings."""
    contact_settings: Form[Any] | None = field(default=None, validator=_check_form)
    """The same for each contact."""
    hears: frozenset[str] = field(default=frozenset(), converter=_as_set, validator=_check_hears)
    """The events of other modules that it wants, such as ``chat.message``."""
    service: Callable[[ModuleTools], object] | None = None
    """Returns what the module offers to others; called once, when the first one asks."""
    companion: Callable[[ModuleTools, Any], Companion] | None = None
    """Returns what runs on the reactor, which is the second argument, while the module runs."""
    prepare: Callable[[Sequence[Entry], ModuleRead], Prepared]
    """Returns what to store because of some entries, in the order of the journal.

    It is called on a thread of the modules, and must not change anything itself. After a failure
    it may be called again, with the same entries or with others.
    """
    tick: Callable[[int, ModuleRead], Prepared] | None = None
    """Returns what to store because time has passed; it gets milliseconds since the epoch.

    It is called as ``prepare`` is: about once a minute, when all entries have been dealt with.
    """
