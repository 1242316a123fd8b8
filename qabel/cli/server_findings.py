"""What the daemon finds when it tries a drop server, and how that is shown."""

from collections.abc import Mapping
from typing import Any

from qabel.cli.context import Session
from qabel.cli.errors import CommandError
from qabel.cli.output import Output
from qabel.cli.text import pad, visible

TEST_TIMEOUT = 320.0
"""Seconds without a byte: through a proxy, each of four exchanges may take 75."""

_STYLES = {"ok": "green", "warn": "yellow", "FAIL": "red"}

_NEEDED = ("read", "write")
"""The checks without which a server does not work."""

Result = Mapping[str, Any]


def try_server(session: Session, url: str, group_token: str | None = None) -> Result:
    """Return what the daemon found at a URL. Raises CommandError.

    Args:
        session: the daemon that tries it.
        url: of the server.
        group_token: to try; None for the one that is set, if there is one.

    """
    body = {"url": url} if group_token is None else {"url": url, "auth": group_token}
    with session.out.progress(f"trying {url}"):
        result: Result = session.client.request(
            "POST", "/servers/test", body=body, timeout=TEST_TIMEOUT
        ).value
    return result


def found_at(session: Session, url: str, group_token: str | None = None) -> Result | None:
    """Return what is at the URL of a server; None if the daemon does not try it.

    The arguments are those of ``try_server``.
    """
    try:
        return try_server(session, url, group_token)
    except CommandError as error:
        # An invalid URL is reported in full when it is to be added.
        if error.http_status in (400, 403, 404):
            return None
        raise


def is_other_server(result: Result) -> bool:
    """Return whether something at the URL is certainly no drop server."""
    return result.get("found") == "other-server"


def is_closed(result: Result | None) -> bool:
    """Return whether it is the server of a closed group, and did not get the right token."""
    return result is not None and result.get("found") == "closed-group"


def summary(result: Result) -> str:
    """Return in a sentence what was found of a server that works."""
    missing = [each["detail"] for each in result.get("checks", ()) if not each["ok"]]
    details = "".join(f" {each}." for each in missing)
    return f"{str(result['detail']).rstrip('.')}: it works.{details}"


def show_checks(out: Output, result: Result) -> None:
    """Print what was found at a URL, check by check."""
    if out.json:
        out.value(result)
        return
    if result["ok"]:
        out.line(f"{result['url']}: {result['detail']}")
    for each in result.get("checks", ()):
        label = "ok" if each["ok"] else "FAIL" if each["name"] in _NEEDED else "warn"
        start = f"{out.styled(pad(label, 4), _STYLES[label])}  {pad(each['name'], 6)}  "
        out.raw(f"  {start}{visible(each['detail'])}\n")
