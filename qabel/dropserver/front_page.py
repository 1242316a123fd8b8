"""What a drop server says of itself at ``/``: a page to people, and JSON to programs."""

import json

from qabel.drop.url import DROP_ID_BITS
from qabel.dropserver.message_values import DAY, MESSAGE_LIMIT, Retention

HTML = b"text/html; charset=utf-8"
JSON = b"application/json"

POLICY = b"default-src 'none'; style-src 'unsafe-inline'"
"""The content security policy of the page."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Qabel drop server</title>
<style>
body {{ font: 1rem/1.5 sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }}
</style>
<h1>Qabel drop server</h1>
<p>{what} The server cannot read the messages, and does not know who writes to whom.</p>
<p>To use it, add the address of this page to the drop servers in your Qabel client.{closed}</p>
<p>Messages are deleted after {days}. One may have up to {size} bytes.</p>
</html>
"""

_OWN = "People leave each other encrypted messages here, in drops whose names only they know."

_SHARED = (
    "People leave each other encrypted messages here, in drops that several of them share by chance"
    ": the names of new ones have {bits} random bits. So a drop does not tell for whom of them a "
    "message is; and strangers, who can guess the names, can fetch the encrypted messages and "
    "leave others."
)

_CLOSED = " It is for a closed group: enter the token of the group there, too."


def front_page(
    retention: Retention, accept: str, *, is_closed: bool = False
) -> tuple[bytes, bytes]:
    """Return the page and its content type.

    Args:
        retention: how long messages are kept, and what drops are like.
        accept: the ``Accept`` header of the request, or "".
        is_closed: whether the server is for a closed group.

    """
    bits, lifetime = retention.drop_id_bits, retention.lifetime
    if "text/html" in accept.lower():
        what = _OWN if bits == DROP_ID_BITS else _SHARED.format(bits=bits)
        closed = _CLOSED if is_closed else ""
        days = _days(lifetime / DAY)
        page = _PAGE.format(what=what, closed=closed, days=days, size=MESSAGE_LIMIT)
        return page.encode(), HTML
    said = {"drop_id_bits": bits, "lifetime": round(lifetime), "max_size": MESSAGE_LIMIT}
    return json.dumps(said).encode(), JSON


def _days(days: float) -> str:
    return "one day" if days == 1 else f"{days:g} days"
