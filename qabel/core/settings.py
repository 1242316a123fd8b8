"""A settings document: held in memory for reading, written through to disk on each change."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, Generic, TypeVar

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, execute

from qabel.contract.conditions import matches
from qabel.core.errors import Changed
from qabel.deferreds import FairLock, shielded
from qabel.jsontext import parse as parse_json
from qabel.settings.document import DocumentType
from qabel.settings.module_forms import ModuleForms, checking_modules
from qabel.settings.stored import STORED_DIGITS, reading_stored
from qabel.settings.used_ids import UsedId
from qabel.store.database.connection import Connection
from qabel.store.documents import DocumentRepository

D = TypeVar("D")

MAX_STORED_DEPTH = 128
"""How deep a stored document may nest: more than is accepted from clients."""

LARGE = 128 * 1024
"""The size in bytes from which a document is changed in a worker: the reactor would be held up."""

Run = Callable[[Callable[[], Any]], "Deferred[Any]"]
"""Calls a function elsewhere, as ``Workers.run`` does."""


@frozen
class _Version(Generic[D]):
    """A state of a document, with its JSON text and entity tag."""

    value: D
    encoded: bytes
    etag: str

    @classmethod
    def of(cls, kind: DocumentType[D], value: D) -> "_Version[D]":
        encoded = kind.encode(value)
        return cls(value, encoded, f'"{blake2b(encoded, digest_size=12).hexdigest()}"')


def _nothing(connection: Connection) -> None:
    """Change nothing more."""


def _follow_nothing(connection: Connection, before: object, after: object) -> None:
    """Change nothing more."""


@define(eq=False)
class SettingsDocument(Generic[D]):
    """One of the two settings documents: always complete, valid and the same as on disk.

    ``value``, ``encoded`` and ``etag`` are read without touching the disk. A change is checked and
    committed before anyone sees it. Changes are made one after another.
    """

    name: str
    """The name under which it is saved; also the kind of its events in the journal."""
    _kind: DocumentType[D]
    _repository: DocumentRepository
    _now: Callable[[], float]
    _run: Run = execute
    """Runs changes that take long."""
    _follow: Callable[[Connection, D, D], object] = field(default=_follow_nothing, kw_only=True)
    """Changes in the database what depends on the document, in the transaction of a change; called
    with the document before and after.
    """

    forms: ModuleForms = field(factory=ModuleForms, kw_only=True)
    """The forms of what modules store in it, with which changes are checked."""

    value: D = field(init=False)
    encoded: bytes = field(init=False, repr=False)
    etag: str = field(init=False)
    _turn: FairLock = field(factory=FairLock, init=False)
    _listeners: list[Callable[[D, D, int | None], None]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._take(_Version.of(self._kind, self._kind.default()))

    async def load(self) -> None:
        """Load the document, or the default if none was saved. Raises StoreError."""
        text = await self._repository.load(self.name)
        if text is not None:
            with reading_stored():
                stored = parse_json(text, depth=MAX_STORED_DEPTH, digits=STORED_DIGITS)
                value = self._kind.parse(stored, now=int(self._now()))
        else:
            value = self.value
        known = self._kind.knowing(value, await self._repository.used_ids())
        self._take(_Version.of(self._kind, known))

    def on_change(self, listener: Callable[[D, D, int | None], None]) -> None:
        """Call ``listener(before, after, seq)`` after each change.

        ``seq`` is the number of the change in the journal, or None if it is not there.
        """
        self._listeners.append(listener)

    async def set(self, key: str, value: object, *, if_match: str | None = None) -> None:
        """Set the value of a dotted key.

        Args:
            key: the key, as in ``drop_servers``.
            value: the new value, as decoded from JSON.
            if_match: an ``If-Match`` header; the change is made only if the document matches it.

        Raises:
            UnknownKey: there is no such key.
            InvalidInput: the value is not valid.
            Changed: the document does not match ``if_match``.
            StoreError: the change could not be saved.

        """
        await self.change(
            lambda old, now: self._kind.set(old, key, value, now=now), if_match=if_match
        )

    async def replace(self, value: object, *, if_match: str | None = None) -> None:
        """Replace the whole document. Raises as ``set`` does."""
        await self.change(
            lambda old, now: self._kind.parse(value, now=now, previous=old),
            if_match=if_match,
            is_large=True,
        )

    async def merge(self, patch: object, *, if_match: str | None = None) -> None:
        """Apply a JSON merge patch (RFC 7396). Raises as ``set`` does."""
        await self.change(lambda old, now: self._kind.merge(old, patch, now=now), if_match=if_match)

    async def change(
        self,
        make: Callable[[D, int], D],
        *,
        if_match: str | None = None,
        event: bool = True,
        also: "Callable[[Connection], object] | None" = None,
        is_large: bool = False,
    ) -> D:
        """Change the document by a pure function, and return the new one.

        Args:
            make: returns the new document, from the old one and the time in seconds since the
                epoch.
            if_match: an ``If-Match`` header; the change is made only if the document matches it.
            event: whether the change is an event in the journal. It is not for what the daemon
                itself notes in the document.
            also: makes further changes in the database, in the same transaction; the change is
                then made even if the document stays as it is.
            is_large: whether the change takes long even if the document is small.

        Raises:
            Changed: the document does not match ``if_match``.
            StoreError: the change could not be saved.

        """
        return await shielded(self._change(make, if_match, event, also, is_large))

    async def _change(
        self,
        make: Callable[[D, int], D],
        if_match: str | None,
        event: bool,
        also: "Callable[[Connection], object] | None",
        is_large: bool,
    ) -> D:
        await self._turn.acquire()
        try:
            before = self.value
            if if_match is not None and not matches(if_match, self.etag):
                which = "local" if self.name == "settings" else self.name
                raise Changed(f"The {which} settings have changed; read them again first.")
            now = self._now()

            def work() -> tuple[_Version[D], Sequence[UsedId]] | None:
                with checking_modules(self.forms):
                    after = make(before, int(now))
                if after == before and also is None:
                    return None
                return _Version.of(self._kind, after), self._kind.used_since(before, after)

            made = await self._run(work) if is_large or len(self.encoded) >= LARGE else work()
            if made is None:
                return before
            new, used = made

            def follow(connection: Connection) -> None:
                (also or _nothing)(connection)
                self._follow(connection, before, new.value)

            seq = await self._repository.save(
                self.name, new.encoded, event=event, now=now, used=used, also=follow
            )
            self._take(new)
        finally:
            self._turn.release()
        for listener in self._listeners:
            listener(before, new.value, seq)
        return new.value

    def _take(self, new: _Version[D]) -> None:
        self.value, self.encoded, self.etag = new.value, new.encoded, new.etag
