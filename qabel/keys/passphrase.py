"""The database key in a file that a passphrase opens."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
from attrs import define, field, frozen
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random as random_bytes

from qabel.keys.key_file import read_key_file, remove_key_file, write_key_file
from qabel.store.database.errors import KeyMissing, KeyTrouble, WrongKey
from qabel.store.file_names import KEY
from qabel.store.key_record import MAX_RECORD, KeyRecord

MIN_LENGTH = 8
"""Bytes that a passphrase must have."""

MAX_FILE = 4 * MAX_RECORD

MAX_MEMORY = 2**30
MAX_OPERATIONS = 64
"""Memory and rounds that a file may demand: more would be an attack on whoever opens it."""

MAX_SEALS = 4
"""Seals in a file; each that the passphrase does not open costs a second."""


@frozen
class Strength:
    """What argon2id costs for each passphrase tried: rounds, and bytes of memory."""

    operations: int
    memory: int


MODERATE = Strength(argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE)
"""256 MiB, and about a second."""


class _Seal(msgspec.Struct, frozen=True):
    """A record, sealed under one passphrase."""

    salt: bytes
    operations: Annotated[int, msgspec.Meta(ge=1, le=MAX_OPERATIONS)]
    memory: Annotated[int, msgspec.Meta(ge=argon2id.MEMLIMIT_MIN, le=MAX_MEMORY)]
    box: bytes

    def __repr__(self) -> str:
        return "_Seal()"


class _File(msgspec.Struct, frozen=True):
    seals: Annotated[list[_Seal], msgspec.Meta(min_length=1, max_length=MAX_SEALS)]
    kdf: str = "argon2id"
    version: int = 1


@define(eq=False)
class Passphrase:
    """A file with a random key, sealed under what argon2id derives from a passphrase.

    The parameters are stored with it. While the passphrase changes there are two seals, so that
    both the old and the new one open the file, until only the new one does.
    """

    path: Path
    _passphrase: bytes = field(repr=False)
    _strength: Strength = field(default=MODERATE, kw_only=True)
    """For what is sealed from now on."""
    _passphrase_file: Path | None = field(default=None, kw_only=True)
    """The file with the passphrase, if it comes from one."""
    _boxes: dict[tuple[bytes, Strength], SecretBox] = field(factory=dict, init=False, repr=False)
    """By salt and strength: deriving a key takes a second, and is done once."""

    @property
    def place(self) -> str:
        """The file, in words."""
        return f"the file {self.path}, under a passphrase"

    @property
    def files(self) -> list[tuple[Path, str]]:
        """The files that are needed to open the database, with the names of their content."""
        found = [(self.path, "The sealed database key")]
        if self._passphrase_file is not None:
            found.append((self._passphrase_file, "The passphrase"))
        return found

    def read(self) -> KeyRecord:
        """Open the file. Raises KeyMissing, WrongKey or KeyTrouble."""
        for seal in self._load().seals:
            text = self._open(seal)
            if text is not None:
                return KeyRecord.from_text(text.decode("ascii"))
        raise WrongKey(f"Wrong passphrase for {self.path}; nothing was changed.")

    def write(self, record: KeyRecord) -> None:
        """Seal the record with a fresh salt. Raises KeyTrouble.

        While the key changes, seals of another passphrase are kept.
        """
        if len(self._passphrase) < MIN_LENGTH:
            raise KeyTrouble(f"The passphrase is too short; use at least {MIN_LENGTH} bytes.")
        others: list[_Seal] = []
        if record.following is not None and self.path.exists():
            others = [seal for seal in self._load().seals if self._open(seal) is None]
        salt = random_bytes(argon2id.SALTBYTES)
        box = self._box(salt, self._strength).encrypt(record.to_text().encode("ascii"))
        seal = _Seal(salt, self._strength.operations, self._strength.memory, bytes(box))
        file = _File([seal, *others][:MAX_SEALS])
        write_key_file(self.path, msgspec.json.format(msgspec.json.encode(file)) + b"\n")

    def forget(self) -> None:
        """Remove the file."""
        remove_key_file(self.path)

    def _load(self) -> _File:
        try:
            text = read_key_file(self.path, "sealed database key", limit=MAX_FILE)
        except KeyMissing:
            plain = self.path.with_name(KEY)
            if plain.exists():
                raise KeyMissing(
                    f"The database key is under no passphrase, but in {plain}. Leave --key out, or "
                    "run: qabel key change --new-key KEY"
                ) from None
            raise
        unknown = KeyTrouble(
            f"{self.path} contains no sealed key that this version can read. Restore it from a "
            "backup."
        )
        try:
            file = msgspec.json.decode(text, type=_File)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise unknown from None
        known = (file.kdf, file.version) == ("argon2id", 1)
        if not known or any(len(seal.salt) != argon2id.SALTBYTES for seal in file.seals):
            raise unknown
        return file

    def _open(self, seal: _Seal) -> bytes | None:
        """Return what is in a seal, or None if it is not one of this passphrase."""
        box = self._box(seal.salt, Strength(seal.operations, seal.memory))
        try:
            return bytes(box.decrypt(seal.box))
        except (CryptoError, ValueError):
            return None

    def _box(self, salt: bytes, strength: Strength) -> SecretBox:
        box = self._boxes.get((salt, strength))
        if box is None:
            box = self._boxes[salt, strength] = SecretBox(self._derive(salt, strength))
        return box

    def _derive(self, salt: bytes, strength: Strength) -> bytes:
        derive: Any = argon2id.kdf
        try:
            key: bytes = derive(
                SecretBox.KEY_SIZE,
                self._passphrase,
                salt,
                opslimit=strength.operations,
                memlimit=strength.memory,
            )
        except (CryptoError, MemoryError):
            raise KeyTrouble(
                f"Not enough memory to check the passphrase: it needs {strength.memory // 2**20} "
                "MiB of memory."
            ) from None
        return key
