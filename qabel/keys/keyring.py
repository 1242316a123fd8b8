"""The database's key in the desktop's keyring."""

from importlib import import_module
from pathlib import Path
from typing import Any

from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.key_record import KeyRecord, fresh_key

SERVICE = "qabel"
"""Under this name, and that of the data directory, a keyring shows the key."""

TRUSTED = 1
"""Backends of a lower priority keep their entries in the open, or nothing at all."""


class DesktopKeyring:
    """An entry of the keyring that the desktop unlocks when its user logs in.

    Needs the package ``keyring``, which comes with ``qabel[keyring]``.
    """

    def __init__(self, directory: Path) -> None:
        """Prepare; nothing is touched. ``directory`` is the one of the database."""
        self._account = str(directory.absolute())
        self._found: Any = None

    @property
    def place(self) -> str:
        """Name the entry."""
        return f"the desktop's keyring, as {SERVICE} {self._account}"

    def read(self) -> KeyRecord:
        """Read the entry. Raises KeyMissing or KeyTrouble."""
        record = self._find()
        if record is None:
            raise KeyMissing(
                f"The desktop's keyring has no key for {self._account}; without it the database "
                "cannot be opened. Say with --key where it is kept, if that is elsewhere."
            )
        return record

    def make(self) -> KeyRecord:
        """Read the entry; where there is none, add one with a fresh key."""
        record = self._find()
        if record is None:
            record = KeyRecord(fresh_key())
            self.write(record)
        return record

    def write(self, record: KeyRecord) -> None:
        """Replace the entry, and see that it is there. Raises KeyTrouble."""
        text = record.to_text()
        self._ask("set_password", text)
        if self._ask("get_password") != text:
            raise KeyTrouble("The desktop's keyring did not keep the key.")

    def forget(self) -> None:
        """Remove the entry, if there is one."""
        if self._ask("get_password") is not None:
            self._ask("delete_password")

    def _find(self) -> KeyRecord | None:
        text = self._ask("get_password")
        if text is None:
            return None
        try:
            return KeyRecord.from_text(text)
        except ValueError:
            raise KeyTrouble(f"{self.place} holds no database key.") from None

    def _ask(self, method: str, *values: str) -> Any:
        backend = self._backend()
        try:
            return getattr(backend, method)(SERVICE, self._account, *values)
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            # Of what they say nothing is passed on: it could quote the entry.
            raise KeyTrouble(
                f"The desktop's keyring cannot be used ({type(error).__name__}): is somebody "
                "logged in, and the keyring unlocked?"
            ) from None

    def _backend(self) -> Any:
        if self._found is None:
            try:
                backend = import_module("keyring").get_keyring()
            except ImportError:
                raise KeyTrouble(
                    "The desktop's keyring needs the package keyring: install qabel[keyring]."
                ) from None
            except Exception as error:  # noqa: BLE001 - as above
                raise KeyTrouble(
                    f"The desktop's keyring cannot be found ({type(error).__name__})."
                ) from None
            if backend.priority < TRUSTED:
                raise KeyTrouble(
                    "There is no keyring here that protects its entries; on a machine without a "
                    "desktop take a key file or a passphrase."
                )
            self._found = backend
        return self._found
