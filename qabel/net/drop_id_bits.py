"""How many random bits a drop server asks for in the ids of new drops: what it says at ``/``."""

from twisted.web.iweb import IResponse

from qabel.drop.url import DROP_ID_BITS_OFFERED
from qabel.jsontext import InvalidJSON, parse
from qabel.net.drop_responses import rejection
from qabel.net.errors import InvalidResponse
from qabel.net.exchange_limits import Watchdog
from qabel.net.response_body import BodyReader

LARGEST = 16_384
"""Bytes that a server may say of itself."""

_OFFERED = f"{', '.join(map(str, DROP_ID_BITS_OFFERED[:-1]))} or {DROP_ID_BITS_OFFERED[-1]}"


def parse_drop_id_bits(page: bytes) -> int | None:
    """Return how many bits a server asks for; None if it asks for none, or for another number."""
    try:
        said = parse(page)
    except InvalidJSON:
        return None
    bits = said.get("drop_id_bits") if isinstance(said, dict) else None
    # True and 12.0 are equal to numbers.
    return bits if type(bits) is int and bits in DROP_ID_BITS_OFFERED else None


async def read_drop_id_bits(response: IResponse, peer: str, now: float, watchdog: Watchdog) -> int:
    """Return how many bits a response asks for.

    Args:
        response: the response, whose body is not read yet.
        peer: what errors call the server.
        now: seconds since the epoch.
        watchdog: enforces the time limits.

    Raises:
        DropServerError: it is not the response of a drop server that asks for one of the numbers.

    """
    page, is_page = bytearray(), response.code == 200

    def feed(data: bytes) -> bool:
        if is_page:
            page.extend(data)
        return not is_page

    await BodyReader(peer, watchdog, LARGEST, feed).read(response)
    if not is_page:
        raise rejection(response, peer, now)
    bits = parse_drop_id_bits(bytes(page))
    if bits is None:
        raise InvalidResponse(f"{peer} does not ask for {_OFFERED} random bits in drop ids.")
    return bits
