"""The old and the new place of a key during a change of key."""

from contextlib import suppress

from attrs import define, evolve, field

from qabel.store.database.errors import KeyMissing, KeyTrouble, WrongKey
from qabel.store.key_record import KeyRecord, KeySource


@define(eq=False)
class KeyMove:
    """Two key sources as one: the old one until the change begins, the new one from then on.

    Nothing of the new key is ever written to the old place. If the change fails, both places hold
    in the end what they did before.
    """

    old: KeySource
    new: KeySource
    _origin: KeyRecord | None = field(default=None, init=False)
    """What the old place held when the change began."""
    _found: KeyRecord | None = field(default=None, init=False)
    """What the new place held when the change began."""
    _present: KeySource = field(init=False)
    """The place in force."""
    _failed: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._present = self.old

    @property
    def place(self) -> str:
        """The new place, in words."""
        return self.new.place

    def read(self) -> KeyRecord:
        """Return what the place in force holds."""
        return self._present.read()

    def forget(self) -> None:
        """Empty the new place."""
        self.new.forget()

    def begin(self) -> None:
        """Begin the change. Raises KeyTrouble if the new place holds another database's key."""
        origin = self.old.read()
        if self.old.place == self.new.place:
            # Removes what an interrupted earlier change left behind.
            self.old.write(origin)
        else:
            with suppress(KeyMissing, WrongKey):
                self._found = self.new.read()
        if self._found is not None and origin.current not in self._found.candidates:
            raise KeyTrouble(
                f"Another database's key is already stored in {self.new.place}. Move it away, or "
                "choose another place."
            )
        self._origin = origin

    def write(self, record: KeyRecord) -> None:
        """Store a state of the change in the place where it belongs."""
        if self._origin is None:
            self.old.write(record)
        elif record.following is not None:
            self._write_both_keys(record)
        elif record.current != self._origin.current:
            self.new.write(record)
        else:
            # The database is still encrypted under the old key, and stays so.
            self._failed = True

    def end(self) -> None:
        """Restore both places, if it is certain that the change failed."""
        if not self._failed or self._origin is None:
            return
        if self.old.place == self.new.place:
            self.old.write(self._origin)
        elif self._found is not None:
            self.new.write(self._found)
        else:
            self.new.forget()

    def _write_both_keys(self, record: KeyRecord) -> None:
        found = () if self._found is None else self._found.candidates
        known = (record.current, record.following)
        earlier = [key for key in (*record.earlier, *found) if key not in known]
        try:
            self.new.write(evolve(record, earlier=tuple(dict.fromkeys(earlier))))
        except BaseException:
            self._failed = True
            raise
        self._present = self.new
