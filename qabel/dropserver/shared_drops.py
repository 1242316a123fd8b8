"""What a drop may have that people share by chance: a part of what the whole server has.

With ``bits`` random bits in their ids there are 2**bits drops, among which people are spread by
chance. So one drop is given what it may have where nobody shares it, and several times the mean
part besides: chance alone does not put more into one.
"""

from qabel.drop.url import DROP_ID_BITS

MARGIN = 4
"""How many times the mean part of a drop it may have."""


def limit_of_drop(alone: int, whole: int, bits: int = DROP_ID_BITS) -> int:
    """Return how many messages, or listeners, one drop may have.

    Args:
        alone: how many a drop may have that nobody shares.
        whole: how many all drops of the server may have together.
        bits: random bits in the ids of drops.

    """
    return alone + (MARGIN * whole >> bits)
