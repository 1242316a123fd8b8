"""What the status and headers of a drop server's responses mean."""

import attrs
import pytest
from twisted.web.http_headers import Headers

from qabel.net.drop_responses import (
    MAX_RETRY_AFTER,
    content_type,
    rejection,
    retry_after,
    shows_no_drop_server,
)
from qabel.net.errors import (
    ConnectFailed,
    IncompleteResponse,
    InvalidResponse,
    ServerRefused,
    TimedOut,
)

NOW = 1795419528.0
PEER = "The drop server at drop.example"


@attrs.frozen
class Response:
    """A response without a body."""

    code: int = 200
    headers: Headers = attrs.field(factory=Headers)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (["120"], 120.0),
        ([" 120 "], 120.0),
        (["0"], 0.0),
        (["99999999"], MAX_RETRY_AFTER),
        (["Mon, 23 Nov 2026 07:39:48 GMT"], 60.0),
        (["Mon, 23 Nov 2020 07:39:48 GMT"], 0.0),
        (["soon"], None),
        (["-5"], None),
        (["1e9"], None),
        ([""], None),
        (["Mon, 23 Foo 2026 07:39:48 GMT"], None),
        (["1" * 65], None),
        (["1", "2"], None),
        ([], None),
    ],
)
def test_retry_after(values, seconds):
    """Seconds and dates are read and limited; anything else is ignored."""
    response = Response(headers=Headers({"Retry-After": values}))
    assert retry_after(response, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (301, "responded with a redirect (status 301), which is not followed."),
        (404, "rejected the request with status 404."),
        (429, "takes no more requests from this address for a while (status 429)."),
        (503, "rejected the request with status 503."),
        (507, "has no room for the message now (status 507)."),
    ],
)
def test_rejections(status, detail):
    """Redirects and error statuses are rejections; 429, 503 and 507 may ask us to wait."""
    response = Response(status, Headers({"Retry-After": ["5"]}))
    error = rejection(response, PEER, NOW, permanent=status == 404)
    assert isinstance(error, ServerRefused)
    assert error.detail == f"{PEER} {detail}"
    assert error.status == status
    assert error.permanent is (status == 404)
    assert error.retry_after == (5.0 if status > 404 else None)


def test_a_full_drop_that_people_share():
    """It is said that strangers may have filled it; nothing else is said of such a drop."""
    full = rejection(Response(507), PEER, NOW, is_shared=True)
    assert full.detail == (
        f"{PEER} has no room for the message now (status 507). Strangers may have filled the drop, "
        "which people share."
    )
    away = rejection(Response(503), PEER, NOW, is_shared=True)
    assert away.detail == rejection(Response(503), PEER, NOW).detail


def test_unexpected_success():
    """A status of success that has no meaning here is an invalid response."""
    error = rejection(Response(206), PEER, NOW)
    assert isinstance(error, InvalidResponse)
    assert error.detail == f"{PEER} responded with unexpected status 206."


@pytest.mark.parametrize(("values", "text"), [([], ""), (["a/b"], "a/b"), (["a/b", "c/d"], "")])
def test_content_type(values, text):
    """The content type counts only if there is exactly one."""
    assert content_type(Response(headers=Headers({"Content-Type": values}))) == text


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (InvalidResponse("a page"), True),
        *[(ServerRefused("no", status=status), True) for status in (301, 302, 307, 404, 511)],
        *[(ServerRefused("no", status=status), False) for status in (400, 403, 429, 500, 503)],
        (ConnectFailed("refused"), False),
        (TimedOut("slow"), False),
        (IncompleteResponse("torn"), False),
    ],
)
def test_what_shows_that_there_is_no_drop_server(error, shown):
    """Pages and redirects do; a server that is away, overloaded or out of order may be one."""
    assert shows_no_drop_server(error) is shown
