"""A settings document as the daemon holds it: in memory to read, written through to change."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred

from qabel.contract.conditions import matches
from qabel.core.errors import Changed
from qabel.deferreds import FairLock, shielded
from qabel.jsontext import parse as parse_json
from qabel.settings.document import DocumentType

D = TypeVar("D")

MAX_STORED_DEPTH = 128
"""How deep a stored document may nest: deeper than any that was let in."""


class SettingsRepository(Protocol):
    """Where documents are kept: ``qabel.store.documents``."""

    def load(self, name: str) -> Deferred[bytes | None]:
        """Load the JSON text of a document, or None if it was never saved."""

    def save(self, name: str, text: bytes, *, event: bool, now: float) -> Deferred[int | None]:
        """Save the JSON text; with ``event``, in the journal too: fires with its number there."""


@define(eq=False)
class SettingsDocument(Generic[D]):
    """One of the two settings documents, always whole, valid and equal to what is on disk.

    ``value``, ``encoded`` and ``etag`` are there at once, without touching the disk. A change is
    checked, committed, and only then seen by anyone; changes happen one after another.
    """

    name: str
    _kind: DocumentType[D]
    _repository: SettingsRepository
    _now: Callable[[], float]

    value: D = field(init=False)
    encoded: bytes = field(init=False, repr=False)
    etag: str = field(init=False)
    _turn: FairLock = field(factory=FairLock, init=False)
    _listeners: list[Callable[[D, D, int | None], None]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._take(self._kind.default())

    async def load(self) -> None:
        """Load the document from the disk; the default, if it was never saved."""
        text = await self._repository.load(self.name)
        if text is not None:
            stored = parse_json(text, depth=MAX_STORED_DEPTH)
            self._take(self._kind.parse(stored, now=int(self._now())))

    def on_change(self, listener: Callable[[D, D, int | None], None]) -> None:
        """Call ``listener(before, after, seq)`` after each change, with its journal number."""
        self._listeners.append(listener)

    async def set(self, key: str, value: object, *, if_match: str | None = None) -> None:
        """Set what stands at a dotted key.

        Raises UnknownKey, InvalidInput (``qabel.forms.errors``) or Changed.
        """
        await self.change(
            lambda old, now: self._kind.set(old, key, value, now=now), if_match=if_match
        )

    async def replace(self, value: object, *, if_match: str | None = None) -> None:
        """Put a whole new document in place of this one. Raises InvalidInput or Changed."""
        await self.change(
            lambda old, now: self._kind.parse(value, now=now, previous=old), if_match=if_match
        )

    async def merge(self, patch: object, *, if_match: str | None = None) -> None:
        """Apply a JSON merge patch (RFC 7396). Raises InvalidInput or Changed."""
        await self.change(lambda old, now: self._kind.merge(old, patch, now=now), if_match=if_match)

    async def change(
        self,
        make: Callable[[D, int], D],
        *,
        if_match: str | None = None,
        event: bool = True,
    ) -> D:
        """Change the document by a pure function of the old one and the time in seconds.

        ``event=False`` is for what the daemon itself notes in it: readers of the journal are not
        told.
        """
        return await shielded(self._change(make, if_match, event))

    async def _change(self, make: Callable[[D, int], D], if_match: str | None, event: bool) -> D:
        await self._turn.acquire()
        try:
            before = self.value
            if if_match is not None and not matches(if_match, self.etag):
                raise Changed(
                    f"The {self.name} settings have changed in the meantime: read them again first."
                )
            now = self._now()
            after = make(before, int(now))
            if after == before:
                return before
            text = self._kind.encode(after)
            seq = await self._repository.save(self.name, text, event=event, now=now)
            self._take(after)
        finally:
            self._turn.release()
        for listener in self._listeners:
            listener(before, after, seq)
        return after

    def _take(self, value: D) -> None:
        self.value = value
        self.encoded = self._kind.encode(value)
        self.etag = f'"{blake2b(self.encoded, digest_size=12).hexdigest()}"'
