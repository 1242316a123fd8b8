"""Reads a data directory as somebody does who has copied it, and knows the key.

Written from the descriptions of the formats, without the daemon's own code for them.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE, RESERVED = 4096, 80
LOG_HEADER, FRAME_HEADER = 32, 24


def decrypted(file: Path, key: bytes) -> Iterator[bytes]:
    """Yield each page of a database file and, if it has one, of its log."""
    data = file.read_bytes()
    for start in range(0, len(data) - PAGE + 1, PAGE):
        yield _decrypt(data[start : start + PAGE], key, is_first=start == 0)
    log = file.with_name(file.name + "-wal")
    data = log.read_bytes() if log.exists() else b""
    for start in range(LOG_HEADER, len(data) - PAGE + 1, FRAME_HEADER + PAGE):
        number = int.from_bytes(data[start : start + 4], "big")
        page = data[start + FRAME_HEADER : start + FRAME_HEADER + PAGE]
        yield _decrypt(page, key, is_first=number == 1)


def _decrypt(page: bytes, key: bytes, *, is_first: bool) -> bytes:
    vector = page[PAGE - RESERVED : PAGE - RESERVED + 16]
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return decryptor.update(page[16 if is_first else 0 : PAGE - RESERVED]) + decryptor.finalize()


def find(folder: Path, key: bytes, pattern: re.Pattern[bytes]) -> set[bytes]:
    """Return what matches a pattern anywhere in a directory, encrypted or not."""
    found: set[bytes] = set()
    for file in folder.rglob("*"):
        if file.is_file():
            found.update(pattern.findall(file.read_bytes()))
        if file.name.endswith(".db"):
            for page in decrypted(file, key):
                found.update(pattern.findall(page))
    return found
