"""A key in the desktop's keyring: a backend that protects its entries, or none at all."""

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
        """Keep an entry."""
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


def test_a_key_is_made_once(tmp_path: Path, desktop: Desktop) -> None:
    """The first start adds an entry under the data directory's name; later ones find it."""
    made = ensure_key(DesktopKeyring(tmp_path))
    assert ensure_key(DesktopKeyring(tmp_path)) == DesktopKeyring(tmp_path).read() == made
    assert desktop.entries == {("qabel", str(tmp_path)): made.current.hex() + "\n"}


def test_each_directory_has_its_own(tmp_path: Path, desktop: Desktop) -> None:
    """Two daemons of one user do not share a key."""
    one, two = (DesktopKeyring(tmp_path / name) for name in ("one", "two"))
    assert ensure_key(one) != ensure_key(two)
    assert one.place != two.place


def test_both_keys_during_a_change(tmp_path: Path, desktop: Desktop) -> None:
    """One entry holds all of a record, so that it changes at one stroke."""
    keys = DesktopKeyring(tmp_path)
    both = KeyRecord(b"\x01" * 32, b"\x02" * 32, (b"\x03" * 32,))
    keys.write(both)
    assert keys.read() == both
    assert len(desktop.entries) == 1
    keys.forget()
    keys.forget()
    assert desktop.entries == {}


def test_no_entry_is_told(tmp_path: Path, desktop: Desktop) -> None:
    """Where there is nothing, reading says so and makes nothing."""
    with pytest.raises(KeyMissing, match="has no key"):
        DesktopKeyring(tmp_path).read()
    assert desktop.entries == {}


def test_what_is_no_key_is_refused(tmp_path: Path, desktop: Desktop) -> None:
    """Another entry is told of, not quoted and not replaced."""
    desktop.entries["qabel", str(tmp_path)] = "SECRET"
    with pytest.raises(KeyTrouble, match="contains no database key") as caught:
        ensure_key(DesktopKeyring(tmp_path))
    assert "SECRET" not in str(caught.value)
    assert desktop.entries["qabel", str(tmp_path)] == "SECRET"


def test_a_locked_keyring_is_told(tmp_path: Path, desktop: Desktop) -> None:
    """What the backend says is not passed on: only what kind of trouble it has."""
    desktop.locked = True
    with pytest.raises(KeyTrouble, match="KeyringLocked") as caught:
        ensure_key(DesktopKeyring(tmp_path))
    assert "SECRET" not in str(caught.value)


def test_a_keyring_that_keeps_nothing_is_told(tmp_path: Path, desktop: Desktop) -> None:
    """A database never gets a key that nobody will find again."""
    desktop.forgetful = True
    with pytest.raises(KeyTrouble, match="did not store"):
        ensure_key(DesktopKeyring(tmp_path))


def test_no_plaintext_backends(
    tmp_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that writes its entries in the open is as good as none."""
    monkeypatch.setattr(Desktop, "priority", 0.5)
    with pytest.raises(KeyTrouble, match="No keyring was found that protects"):
        ensure_key(DesktopKeyring(tmp_path))
    assert desktop.entries == {}


def test_a_missing_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is an extra: without it one line says how to get it."""
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyTrouble, match=r"qabel\[keyring\]"):
        ensure_key(DesktopKeyring(tmp_path))
