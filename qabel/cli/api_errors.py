"""What goes wrong between the command and the daemon, as errors for the user."""

import http.client
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.start_hint import start_command

DIAGNOSE = "Run: qabel doctor"
"""The hint where the connection does not show what is wrong."""

_HINTS = {
    401: "Pass --token-file FILE or set QABEL_TOKEN; the main token is in the daemon's data "
    "directory (api-token)",
    403: "Use a token with the required scope, or the Unix socket in the data directory",
    413: "Shorten the message",
    503: "Run: qabel status",
}


_LISTS = {
    "drop": "Run: qabel inbox",
    "outbox": "Run: qabel outbox",
    "tokens": "Run: qabel token list",
    "servers": "Run: qabel server list",
}
"""What lists the things whose paths begin with a word."""

_CHECK_URL = "Check --url, and that the daemon is running there"


def rejected(http_status: int, problem: object, path: str = "") -> CommandError:
    """Return the error for a request that the daemon rejected with a problem document.

    ``path`` is that of the request, from which follows what to do if there is no such thing.
    """
    members: Mapping[str, Any] = problem if isinstance(problem, dict) else {}
    message = str(members.get("detail") or members.get("title") or f"HTTP status {http_status}")
    if http_status == 401:
        # What the daemon says here is for programs: which header is to be sent.
        message = "The daemon did not accept the token" if "detail" in members else message
    message = message.removeprefix("Invalid body: ")
    is_missing = http_status == 404 and path.count("/") > 1
    errors = members.get("errors")
    unmentioned = [
        _clause(each, is_unknown=http_status == 405)
        for each in (errors if isinstance(errors, list) else ())
        if isinstance(each, dict) and str(each.get("detail")) not in message
    ]
    if unmentioned:
        message = f"{message.rstrip('.')}: {'; '.join(unmentioned)}"
    return CommandError(
        message,
        hint=_LISTS.get(path.split("/")[1], "") if is_missing else _HINTS.get(http_status, ""),
        exit_status=ExitStatus.NOT_FOUND if http_status == 404 else ExitStatus.FAILURE,
        http_status=http_status,
        problem=members,
        path=path,
    )


def _clause(error: Mapping[str, Any], *, is_unknown: bool) -> str:
    """Return what is wrong with a key; a key that does not exist is shown by itself."""
    key, detail = error.get("key"), error.get("detail")
    return f"{key} ({detail})" if is_unknown else f"{key} {detail}"


def not_connected(address: DaemonAddress, error: OSError) -> CommandError:
    """Return the error for a connection that could not be opened."""
    if isinstance(error, ssl.SSLError):
        return _no_tls(address, error)
    if isinstance(error, TimeoutError):
        return _unreachable(f"The daemon at {address.name} did not respond in time", _CHECK_URL)
    if address.socket is None:
        reason = error.strerror or str(error)
        return _unreachable(f"No daemon is reachable at {address.name}: {reason}", _CHECK_URL)
    return _no_socket(address.socket, error, is_given=address.is_given)


def _no_tls(address: DaemonAddress, error: ssl.SSLError) -> CommandError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message.rstrip(".")
        return _unreachable(
            f"The certificate of {address.name} is not accepted: {why}",
            "Name the certificate of an authority of your own in SSL_CERT_FILE",
        )
    if error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return _unreachable(f"{address.name} does not speak TLS on this port", "Check --url")
    return _unreachable(f"The TLS connection to {address.name} failed: {error.reason}")


def no_response(address: DaemonAddress, error: Exception) -> CommandError:
    """Return the error for a connection that broke, or timed out, before the whole response."""
    if isinstance(error, TimeoutError):
        return _unreachable(f"The daemon at {address.name} did not respond in time")
    if isinstance(error, http.client.BadStatusLine) and not isinstance(
        error, http.client.RemoteDisconnected
    ):
        return not_a_daemon(address)
    return _unreachable(f"The daemon at {address.name} closed the connection before it responded")


def not_a_daemon(address: DaemonAddress) -> CommandError:
    """Return the error for a response that no Qabel daemon sends."""
    return _unreachable(f"The server at {address.name} is not a Qabel daemon", "Check --url")


def unreadable_events(address: DaemonAddress) -> CommandError:
    """Return the error for a stream of events that no Qabel daemon sends."""
    return CommandError(f"The server at {address.name} sends events that cannot be read")


def _unreachable(message: str, hint: str = DIAGNOSE) -> CommandError:
    return CommandError(message, hint=hint, exit_status=ExitStatus.UNREACHABLE)


def _no_socket(path: Path, error: OSError, *, is_given: bool) -> CommandError:
    if isinstance(error, PermissionError) and is_given:
        hint = "Ask an administrator to add you to its group, and log in again"
        return _unreachable(f"Permission denied: {path}", hint)
    if isinstance(error, FileNotFoundError | ConnectionRefusedError) and is_given:
        return _unreachable(f"No daemon is listening on {path}", "Check --url, and the service")
    if isinstance(error, PermissionError):
        return _unreachable(f"Permission denied: {path}", _as_owner(path.parent))
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        start = f"Start one: {start_command(path.parent)}"
        hint = f"{start}, or pass --data-dir or --url"
        return _unreachable(f"No daemon is running in {path.parent}", hint)
    return _unreachable(f"Cannot connect to {path}: {error.strerror or error}")


def _as_owner(directory: Path) -> str:
    """Return how to use the data directory of another user."""
    other = "pass --data-dir with a directory of your own"
    try:
        owner = directory.owner()
    except (OSError, KeyError, NotImplementedError):
        return f"It belongs to another user: run this command as that user, or {other}"
    return f"Run this command as its user (sudo -u {owner}), or {other}"
