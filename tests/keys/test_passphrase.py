"""A key under a passphrase: nothing else opens the file, which has its own parameters."""

import json
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.deferreds import result_of
from qabel.host.job_thread import InlineWorker
from qabel.keys.passphrase import MODERATE, Passphrase, Strength
from qabel.store.database.creating import ensure_key
from qabel.store.database.database import Database
from qabel.store.database.errors import KeyMissing, KeyTrouble, WrongKey
from qabel.store.key_record import KeyRecord

QUICK = Strength(1, 8192)
"""The least that argon2id allows: tests need no strength."""

ONE, TWO, THREE = (bytes([each]) * 32 for each in (1, 2, 3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of a file that does not exist yet."""
    return tmp_path / "database-key.sealed"


def source(path: Path, passphrase: bytes = b"correct horse") -> Passphrase:
    """Return a source that is quick."""
    return Passphrase(path, passphrase, strength=QUICK)


def test_a_sealed_key_opens_again(path: Path) -> None:
    """The first start creates a random key, which later ones find and the file does not show."""
    made = ensure_key(source(path))
    assert ensure_key(source(path)) == source(path).read() == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_bytes()
    assert made.current.hex().encode() not in text
    assert b"correct horse" not in text


def test_two_files_have_nothing_in_common(tmp_path: Path) -> None:
    """Two files under one passphrase have different salts and different keys."""
    seals = []
    for name in ("a", "b"):
        ensure_key(source(tmp_path / name))
        [seal] = json.loads((tmp_path / name).read_text())["seals"]
        seals.append(seal)
    assert seals[0]["salt"] != seals[1]["salt"]
    assert seals[0]["box"] != seals[1]["box"]


def test_a_wrong_passphrase_changes_nothing(path: Path) -> None:
    """A wrong passphrase is an error that does not quote it, and the file is not changed."""
    ensure_key(source(path))
    before = path.read_bytes()
    for read in (Passphrase.read, ensure_key):
        with pytest.raises(WrongKey, match="Wrong passphrase") as caught:
            read(source(path, b"wrong horse"))
        assert "horse" not in str(caught.value)
    assert path.read_bytes() == before


def test_a_missing_file(path: Path) -> None:
    """Reading a missing file is an error, and creates none."""
    with pytest.raises(KeyMissing, match="missing"):
        source(path).read()
    assert not path.exists()


def test_during_a_change_both_passphrases_open_it(path: Path) -> None:
    """During a change both passphrases open the file; afterwards only the new one does."""
    old, new = source(path), source(path, b"battery staple")
    old.write(KeyRecord(ONE))
    new.write(KeyRecord(ONE, TWO))
    assert source(path).read() == KeyRecord(ONE)
    assert source(path, b"battery staple").read() == KeyRecord(ONE, TWO)
    new.write(KeyRecord(TWO, earlier=(ONE,)))
    assert source(path, b"battery staple").read() == KeyRecord(TWO, earlier=(ONE,))
    with pytest.raises(WrongKey):
        source(path).read()


def test_its_own_seal_is_replaced(path: Path) -> None:
    """A change of the key under one passphrase never has more than one seal."""
    keys = source(path)
    for record in (KeyRecord(ONE), KeyRecord(ONE, TWO), KeyRecord(TWO), KeyRecord(TWO, THREE)):
        keys.write(record)
        assert len(json.loads(path.read_text())["seals"]) == 1
        assert keys.read() == record


def test_a_short_passphrase_is_rejected(path: Path) -> None:
    """A passphrase that is too short is rejected."""
    with pytest.raises(KeyTrouble, match="too short") as caught:
        ensure_key(source(path, b"hunter2"))
    assert "hunter2" not in str(caught.value)
    assert not path.exists()


def test_the_default_costs_memory_and_time() -> None:
    """By default each passphrase tried costs 256 MiB of memory."""
    assert MODERATE.memory == 256 * 2**20
    assert MODERATE.operations >= 3


def test_parameters_are_read_from_the_file(path: Path) -> None:
    """A file with other parameters opens, and gets the default ones when it changes."""
    ensure_key(Passphrase(path, b"correct horse", strength=Strength(2, 16384)))
    keys = source(path)
    keys.write(keys.read())
    [seal] = json.loads(path.read_text())["seals"]
    assert (seal["operations"], seal["memory"]) == (1, 8192)


@pytest.mark.parametrize(
    "change",
    [
        {"memory": 2**40},
        {"operations": 10**9},
        {"operations": 0},
        {"memory": 1},
        {"salt": ""},
        {"salt": "AAAA"},
        {"box": 5},
    ],
)
def test_parameters_out_of_bounds_are_rejected(path: Path, change: dict[str, Any]) -> None:
    """A file that demands too much memory or time is rejected."""
    ensure_key(source(path))
    file = json.loads(path.read_text())
    file["seals"][0].update(change)
    path.write_text(json.dumps(file))
    with pytest.raises(KeyTrouble, match="no sealed key"):
        source(path).read()


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"seals":[]}', "\x00", '{"seals":[],"version":2}']
)
def test_a_file_without_a_sealed_key_is_rejected(path: Path, text: str) -> None:
    """Any other file is rejected, and not changed."""
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyTrouble, match="no sealed key"):
        source(path).read()
    assert path.read_text() == text


def test_a_later_version_is_rejected(path: Path) -> None:
    """A file of a later version is rejected."""
    ensure_key(source(path))
    for change in ({"version": 2}, {"kdf": "scrypt"}):
        file = {**json.loads(path.read_text()), **change}
        path.write_text(json.dumps(file))
        with pytest.raises(KeyTrouble, match="no sealed key"):
            source(path).read()


@given(position=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_box_never_opens(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    """Whichever bit of the file is flipped, it either fails to open or has the right key."""
    path = tmp_path_factory.mktemp("key") / "sealed"
    made = ensure_key(source(path))
    text = bytearray(path.read_bytes())
    text[position % len(text)] ^= 1 << bit
    path.write_bytes(bytes(text))
    with suppress(WrongKey, KeyTrouble):
        assert source(path).read() == made


def test_a_file_open_to_others_is_rejected(path: Path) -> None:
    """A file that others may read is rejected, since they could try passphrases on it."""
    ensure_key(source(path))
    path.chmod(0o644)
    with pytest.raises(KeyTrouble, match="chmod 600"):
        source(path).read()


def test_too_little_memory(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little memory is an error of one line."""
    ensure_key(source(path))

    def no_memory(*_: object, **__: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr("qabel.keys.passphrase.argon2id.kdf", no_memory)
    with pytest.raises(KeyTrouble, match="MiB of memory"):
        source(path).read()


def test_a_database_under_a_passphrase(path: Path) -> None:
    """A database opens with its passphrase, changes its key, and opens with no other passphrase."""
    file = path.with_name("qabel.db")
    database = Database(file, source(path), worker=InlineWorker)
    result_of(database.open())
    result_of(database.rekey(TWO))
    result_of(database.close())
    again = Database(file, source(path), worker=InlineWorker)
    result_of(again.open())
    result_of(again.close())
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    wrong = Database(file, source(path, b"wrong horse"), worker=InlineWorker)
    with pytest.raises(WrongKey, match="passphrase"):
        result_of(wrong.open())
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before
