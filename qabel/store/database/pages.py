"""The pages of a SQLCipher file: decrypted, cleared of what is no longer stored, and encrypted.

SQLite overwrites what it deletes (``secure_delete``), but only where it is: when it moves rows from
one page to another, copies of them stay behind in the unused part of a page, and outlive the rows.
No statement reaches them.

Pure. The formats are those of SQLite 3 (https://www.sqlite.org/fileformat2.html) and of SQLCipher
4: AES-256-CBC, with the initialization vector and an HMAC-SHA512 at the end of each page.
"""

import hmac
import secrets
from hashlib import pbkdf2_hmac

import attrs
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PAGE_SIZE = 4096
"""Bytes; a file whose size is not a multiple of it is truncated, or is not a database."""

SALT_SIZE = 16
"""Bytes at the start of the first page that are not encrypted."""

_IV_SIZE = 16
_MAC_SIZE = 64
USABLE = PAGE_SIZE - _IV_SIZE - _MAC_SIZE
_PAGES_IN_MAP = USABLE // 5 + 1

LOCK_PAGE = 0x40000000 // PAGE_SIZE + 1
"""The number of the page that SQLite never writes."""

FILE_HEADER = 100
_LEAVES, _INTERIORS = (0x0A, 0x0D), (0x02, 0x05)
_POINTER = 2
_MAC_SALT_MASK = 0x3A
_MAC_ITERATIONS = 2


def cleared(page: bytes, *, is_first: bool = False) -> bytes:
    """Return a decrypted page with zeros where it stores nothing.

    Pages that are no part of a B-tree, and those that do not look right, are returned as they are:
    SQLite clears the former itself.
    """
    start = FILE_HEADER if is_first else 0
    kind = page[start]
    # All other pages begin with the number of a page, which is below 2 ** 25 in any real file.
    if kind not in _LEAVES and kind not in _INTERIORS:
        return page
    pointers = start + (8 if kind in _LEAVES else 12)
    used = pointers + _POINTER * _number(page, start + 3)
    content = _number(page, start + 5) or 0x10000
    if not used <= content <= USABLE:
        return page
    result = bytearray(page)
    result[used:content] = bytes(content - used)
    return bytes(result) if _clear_blocks(result, _number(page, start + 1)) else page


def page_count(first: bytes) -> int:
    """Return how many pages a file has, from its decrypted first page."""
    return int.from_bytes(first[28:32], "big")


def has_page_maps(first: bytes) -> bool:
    """Return whether a file gives back free pages (``auto_vacuum``), from its first page."""
    return first[52:56] != bytes(4)


def is_page_map(number: int) -> bool:
    """Return whether a page says where the pages after it belong, in a file that has such pages.

    They store no content, and begin as the pages of a B-tree may do.
    """
    start = (number - 2) // _PAGES_IN_MAP * _PAGES_IN_MAP + 2
    return number == (start + 1 if start == LOCK_PAGE else start)


def _clear_blocks(page: bytearray, block: int) -> bool:
    """Clear the free blocks of a page, each of which has the offset of the next, and its size."""
    while block:
        after, size = _number(page, block), _number(page, block + 2)
        end = block + size
        if size < 2 * _POINTER or end > USABLE or (after and after < end):
            return False
        page[block + 2 * _POINTER : end] = bytes(size - 2 * _POINTER)
        block = after
    return True


def _number(page: bytes | bytearray, at: int) -> int:
    return int.from_bytes(page[at : at + 2], "big")


@attrs.frozen
class PageCipher:
    """Encrypts and decrypts pages with the key of a file.

    Args:
        key: 32 bytes.
        salt: the first bytes of the file.

    """

    _key: bytes = attrs.field(repr=False)
    _salt: bytes = attrs.field(repr=False)
    _mac_key: bytes = attrs.field(init=False, repr=False)

    @_mac_key.default
    def _derive_mac_key(self) -> bytes:
        salt = bytes(each ^ _MAC_SALT_MASK for each in self._salt)
        return pbkdf2_hmac("sha512", self._key, salt, _MAC_ITERATIONS, len(self._key))

    def decrypt(self, page: bytes, number: int) -> bytes:
        """Return the content of a page; unless it ``is_genuine``, that means nothing.

        Where the first page has its salt, and where each has its vector and its code, are zeros.
        """
        start = _start(number)
        vector = page[USABLE : USABLE + _IV_SIZE]
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(vector)).decryptor()
        content = decryptor.update(page[start:USABLE]) + decryptor.finalize()
        return bytes(start) + content + bytes(PAGE_SIZE - USABLE)

    def encrypt(self, content: bytes, number: int) -> bytes:
        """Return a page with this content."""
        start, vector = _start(number), secrets.token_bytes(_IV_SIZE)
        encryptor = Cipher(algorithms.AES(self._key), modes.CBC(vector)).encryptor()
        sealed = encryptor.update(content[start:USABLE]) + encryptor.finalize() + vector
        return self._salt[:start] + sealed + self._code(sealed, number)

    def is_genuine(self, page: bytes, number: int) -> bool:
        """Return whether a page was encrypted under this key, in this format, and is undamaged."""
        sealed = page[_start(number) : USABLE + _IV_SIZE]
        return hmac.compare_digest(page[USABLE + _IV_SIZE :], self._code(sealed, number))

    def _code(self, sealed: bytes, number: int) -> bytes:
        return hmac.digest(self._mac_key, sealed + number.to_bytes(4, "little"), "sha512")


def _start(number: int) -> int:
    return SALT_SIZE if number == 1 else 0
