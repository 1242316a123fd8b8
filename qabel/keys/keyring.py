"""The database key in the desktop keyring."""

from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.key_record import KeyRecord

SERVICE = "qabel"
"""The name under which a keyring shows the key, with that of the data directory."""

TRUSTED = 1
"""Backends of a lower priority store their entries unprotected, or nothing at all."""


@attrs.define(eq=False)
class DesktopKeyring:
    """An entry of the keyring that the desktop unlocks when its user logs in.

    Requires the package ``keyring``, which ``qabel[keyring]`` installs.

    Args:
        directory: of the database; the entry is named after it.

    """

    _directory: Path
    _backend: Any = attrs.field(default=None, init=False, repr=False)

    @property
    def place(self) -> str:
        """The entry, in words."""
        return f"the desktop keyring, as {SERVICE} {self._account}"

    @property
    def _account(self) -> str:
        return str(self._directory.absolute())

    def read(self) -> KeyRecord:
        """Return the entry. Raises KeyMissing or KeyTrouble."""
        text = self._ask("get_password")
        if text is None:
            raise KeyMissing(
                f"The desktop keyring has no key for {self._account}. Use --key if the key is "
                "stored elsewhere."
            )
        try:
            return KeyRecord.from_text(text)
        except ValueError:
            raise KeyTrouble(
                f"The desktop keyring contains no database key for {self._account}."
            ) from None

    def write(self, record: KeyRecord) -> None:
        """Replace the entry, and check that it was stored. Raises KeyTrouble."""
        text = record.to_text()
        self._ask("set_password", text)
        if self._ask("get_password") != text:
            raise KeyTrouble("The desktop keyring did not store the key.")

    def forget(self) -> None:
        """Remove the entry, if there is one."""
        if self._ask("get_password") is not None:
            self._ask("delete_password")

    def _ask(self, method: str, *values: str) -> Any:
        backend = self._find_backend()
        try:
            return getattr(backend, method)(SERVICE, self._account, *values)
        except Exception as error:  # noqa: BLE001 - each backend has errors of its own
            # Their texts are not passed on: they could quote the entry.
            raise KeyTrouble(
                f"The desktop keyring cannot be used ({type(error).__name__}). Check that you are "
                "logged in, and that the keyring is unlocked."
            ) from None

    def _find_backend(self) -> Any:
        if self._backend is None:
            try:
                backend = import_module("keyring").get_keyring()
            except ImportError:
                raise KeyTrouble(
                    "The desktop keyring requires the package keyring; install qabel[keyring]."
                ) from None
            except Exception as error:  # noqa: BLE001 - as above
                raise KeyTrouble(
                    f"No desktop keyring was found ({type(error).__name__})."
                ) from None
            if backend.priority < TRUSTED:
                raise KeyTrouble(
                    "No keyring was found that protects its entries. On a machine without a "
                    "desktop, use a key file or a passphrase."
                )
            self._backend = backend
        return self._backend
