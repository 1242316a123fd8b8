"""The source of a message as a number that the database keeps with it.

It is a keyed hash, and the key is deleted after its day: from then on nobody can tell which address
it was, and nothing joins what one source left on two days. 16 bits are the day, 24 the network, 16
the source within it. So sources and networks stay apart, which is all that their shares need.
"""

import hashlib

from qabel.host.http_server.sources import LOCAL, OLD, ONION, Source, network_of

KEY_SIZE = 32
"""Bytes of a day's key."""

_SPECIAL = {LOCAL: -1, ONION: -2, OLD: -3}
_NAMED = {number: source for source, number in _SPECIAL.items()}

_BYTES = 7
"""As many as the source of an IPv6 address has, 5 of which are its network."""


def number_source(source: Source, day: int, key: bytes) -> int:
    """Return the number of a source on a day, counted from 1970, with the day's key."""
    if source in _SPECIAL:
        return _SPECIAL[source]
    network = _hash(network_of(source), key, 3)
    member = _hash(source, key, 2)
    return int.from_bytes((day & 0xFFFF).to_bytes(2) + network + member)


def source_of(number: int) -> Source:
    """Return a source that stands for a number, and whose network stands for its network."""
    return _NAMED[number] if number < 0 else number.to_bytes(_BYTES)


def number_of(source: Source) -> int:
    """Return the number that a source of ``source_of`` stands for."""
    return _SPECIAL[source] if source in _SPECIAL else int.from_bytes(source)


def _hash(data: bytes, key: bytes, size: int) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=size).digest()
