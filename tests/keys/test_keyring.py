"""A key in the desktop keyring: only a backend that protects its entries is used."""

import sys
from pathlib import Path

import pytest

from qabel.keys.keyring import DesktopKeyring
from qabel.store.database.creating import ensure_key
from qabel.store.database.errors import KeyMissing, KeyTrouble
from qabel.store.key_record import KeyRecord

keyring = pytest.importorskip("keyring")
backend = pytest.importorskip("keyring.backend")
errors = pytest.importorskip("keyring.errors")


class Desktop(backend.KeyringBackend):  # type: ignore[misc]
    """A desktop's keyring, as ``keyring`` sees one."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False
        self.forgetful = False

    def get_password(self, service: str, username: str) -> str | None:
        """Return an entry."""
        if self.locked:
            raise errors.KeyringLocked("SECRET")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store an entry."""
        if not self.forgetful:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Remove an entry."""
        del self.entries[service, username]


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Desktop:
    """Return the keyring of this desktop."""
    made = Desktop()
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    return made


def test_a_key_is_created_once(tmp_path: Path, desktop: Desktop) -> None:
    """The first start adds an entry named after the data directory, and later ones find it."""
    made = ensure_key(DesktopKeyring(tmp_path))
    assert ensure_key(DesktopKeyring(tmp_path)) == DesktopKeyring(tmp_path).read() == made
    assert desktop.entries == {("qabel", str(tmp_path)): made.current.hex() + "\n"}


def test_each_directory_has_its_own(tmp_path: Path, desktop: Desktop) -> None:
    """Two daemons of one user do not share a key."""
    one, two = (DesktopKeyring(tmp_path / name) for name in ("one", "two"))
    assert ensure_key(one) != ensure_key(two)
    assert one.place != two.place


def test_both_keys_during_a_change(tmp_path: Path, desktop: Desktop) -> None:
    """One entry has the whole record, so that it is replaced all or nothing."""
    keys = DesktopKeyring(tmp_path)
    both = KeyRecord(b"\x01" * 32, b"\x02" * 32, (b"\x03" * 32,))
    keys.write(both)
    assert keys.read() == both
    assert len(desktop.entries) == 1
    keys.forget()
    keys.forget()
    assert desktop.entries == {}


def test_a_missing_entry(tmp_path: Path, desktop: Desktop) -> None:
    """Reading a missing entry is an error, and creates none."""
    with pytest.raises(KeyMissing, match="has no key"):
        DesktopKeyring(tmp_path).read()
    assert desktop.entries == {}


def test_an_entry_that_is_not_a_key(tmp_path: Path, desktop: Desktop) -> None:
    """An entry that is not a key is an error, and is neither quoted nor replaced."""
    desktop.entries["qabel", str(tmp_path)] = "SECRET"
    with pytest.raises(KeyTrouble, match="contains no database key") as caught:
        ensure_key(DesktopKeyring(tmp_path))
    assert "SECRET" not in str(caught.value)
    assert desktop.entries["qabel", str(tmp_path)] == "SECRET"


def test_a_locked_keyring(tmp_path: Path, desktop: Desktop) -> None:
    """The error of a locked keyring names its type, and does not quote its text."""
    desktop.locked = True
    with pytest.raises(KeyTrouble, match="KeyringLocked") as caught:
        ensure_key(DesktopKeyring(tmp_path))
    assert "SECRET" not in str(caught.value)


def test_a_keyring_that_stores_nothing(tmp_path: Path, desktop: Desktop) -> None:
    """A keyring that does not store the key is an error."""
    desktop.forgetful = True
    with pytest.raises(KeyTrouble, match="did not store"):
        ensure_key(DesktopKeyring(tmp_path))


def test_no_plaintext_backends(
    tmp_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that stores its entries unprotected is not used."""
    monkeypatch.setattr(Desktop, "priority", 0.5)
    with pytest.raises(KeyTrouble, match="No keyring was found that protects"):
        ensure_key(DesktopKeyring(tmp_path))
    assert desktop.entries == {}


def test_a_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package keyring, the error says how to install it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyTrouble, match=r"qabel\[keyring\]"):
        ensure_key(DesktopKeyring(tmp_path))
