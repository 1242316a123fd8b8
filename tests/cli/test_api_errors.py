"""What users are told when the daemon rejects a request or cannot be reached."""

import errno
import http.client
import pwd
import ssl
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.cli.api_errors import no_response, not_a_daemon, not_connected, rejected
from qabel.cli.daemon_address import DaemonAddress
from qabel.cli.errors import CommandError, ExitStatus
from tests.net.certificates import Pair, certificate, names
from tests.net.tls_servers import TlsServer

SOCKET = DaemonAddress(socket=Path("/data/rest.sock"))
URL = DaemonAddress(url="https://box.example:9696")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_all_errors_are_in_one_line() -> None:
    """All errors of a problem document are shown, each with its key."""
    errors = [{"key": "a.b", "detail": "must be 1"}, {"key": "c", "detail": "d"}]
    error = rejected(400, {"detail": "No.", "errors": errors})
    assert error.message == "No: a.b must be 1; c d"
    assert (error.exit_status, error.http_status) == (ExitStatus.FAILURE, 400)
    assert error.problem["errors"] == errors


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ({"detail": "Too long.", "title": "Bad Request"}, "Too long."),
        ({"detail": "Invalid body: name must not be blank."}, "name must not be blank."),
        ({"title": "Bad Request"}, "Bad Request"),
        ({}, "HTTP status 400"),
        (None, "HTTP status 400"),
        (["detail"], "HTTP status 400"),
        ({"detail": "No.", "errors": []}, "No."),
        ({"detail": "No.", "errors": "many"}, "No."),
        ({"detail": "No.", "errors": ["one", {"key": "a", "detail": "b"}]}, "No: a b"),
    ],
)
def test_message(problem: object, message: str) -> None:
    """The message is the detail, else the title, else the status."""
    assert rejected(400, problem).message == message


def test_what_lists_the_others() -> None:
    """Of what does not exist, the hint names the command that lists what does."""
    problem = {"detail": "No token 77."}
    assert rejected(404, problem, "/tokens/77").hint == "Run: qabel token list"
    assert rejected(404, problem, "/nothing/77").hint == ""
    assert rejected(404, problem, "/tokens").hint == ""


def test_unknown_settings() -> None:
    """A setting that does not exist is named, and why it does not."""
    errors = [{"key": "a.b", "detail": "no such key"}]
    error = rejected(405, {"detail": "No such setting.", "errors": errors})
    assert error.message == "No such setting: a.b (no such key)"


@given(st.integers(300, 599), JSON | st.fixed_dictionaries({"errors": JSON, "detail": JSON}))
def test_any_problem_has_a_message(status: int, problem: Any) -> None:
    """Whatever JSON a daemon rejects a request with, the user gets a message."""
    assert rejected(status, problem).message


@pytest.mark.parametrize(
    ("status", "exit_status", "has_hint"),
    [
        (401, ExitStatus.FAILURE, True),
        (403, ExitStatus.FAILURE, True),
        (404, ExitStatus.NOT_FOUND, False),
        (409, ExitStatus.FAILURE, False),
        (503, ExitStatus.FAILURE, True),
    ],
)
def test_status(status: int, exit_status: ExitStatus, has_hint: bool) -> None:
    """A missing resource has an exit status of its own; hints are for what the user can change."""
    error = rejected(status, {})
    assert (error.exit_status, bool(error.hint)) == (exit_status, has_hint)


@pytest.mark.parametrize(
    ("reason", "start_hint"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), True),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), True),
        (PermissionError(errno.EACCES, "denied"), False),
        (OSError(errno.EMFILE, "Too many open files"), False),
    ],
)
def test_socket_without_a_daemon(reason: OSError, start_hint: bool) -> None:
    """How to start a daemon is the hint only if none is running."""
    error = not_connected(SOCKET, reason)
    assert error.exit_status == ExitStatus.UNREACHABLE
    assert "/data" in error.message
    assert ("qabel-rest --data-dir /data" in error.hint) is start_hint


def tls_error() -> OSError:
    """Return the error for a server that does not speak TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    context = ssl.create_default_context()
    client = context.wrap_bio(incoming, outgoing, server_hostname="box.example")
    with pytest.raises(ssl.SSLError) as caught:
        client.do_handshake()
    return caught.value


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "did not respond in time"),
        (tls_error(), "TLS"),
    ],
)
def test_url_without_a_daemon(reason: OSError, words: str) -> None:
    """The URL and the reason are in the message."""
    error = not_connected(URL, reason)
    assert error.exit_status == ExitStatus.UNREACHABLE
    assert "https://box.example:9696" in error.message
    assert words in error.message


def not_responding(reason: Exception) -> CommandError:
    """Return the error for a connection that ended with this."""
    error = no_response(URL, reason)
    assert error.exit_status == ExitStatus.UNREACHABLE
    assert "https://box.example:9696" in error.message
    return error


def test_connection_that_breaks() -> None:
    """A time-out, a closed connection and a server that speaks no HTTP are told apart."""
    closed = not_responding(http.client.RemoteDisconnected("Remote end closed"))
    assert not_responding(http.client.IncompleteRead(b"a")).message == closed.message
    assert not_responding(ConnectionResetError()).message == closed.message
    assert "in time" in not_responding(TimeoutError()).message
    other = not_responding(http.client.BadStatusLine("SSH-2.0"))
    assert other.message == not_a_daemon(URL).message != closed.message
    assert "--url" in other.hint


def test_a_socket_that_the_user_has_named() -> None:
    """The hints are about that socket, and not about a data directory."""
    address = DaemonAddress.from_url("unix:/run/qabel/rest.sock")
    denied = not_connected(address, PermissionError(errno.EACCES, "Permission denied"))
    assert "to its group" in denied.hint
    missing = not_connected(address, FileNotFoundError(errno.ENOENT, "No such file"))
    assert missing.message == "No daemon is listening on /run/qabel/rest.sock"
    assert "--data-dir" not in missing.hint


@pytest.mark.parametrize(
    ("pair", "message", "hint"),
    [
        (certificate(names("127.0.0.1")), "self-signed certificate", "SSL_CERT_FILE"),
        (None, "does not speak TLS on this port", "Check --url"),
    ],
)
def test_tls(tmp_path: Path, pair: Pair | None, message: str, hint: str) -> None:
    """What is wrong with TLS is named, with what to do."""
    with TlsServer(tmp_path, pair) as server:
        address = DaemonAddress(url=f"https://127.0.0.1:{server.port}")
        connection = address.connection(10)
        with pytest.raises(ssl.SSLError) as caught:
            connection.connect()
        connection.close()
    error = not_connected(address, caught.value)
    assert message in error.message.replace("self signed", "self-signed")
    assert hint in error.hint


def test_the_socket_of_another_user(tmp_path: Path) -> None:
    """Whoever may not connect is told whose it is, and how to be that user."""
    address = DaemonAddress(socket=tmp_path / "rest.sock")
    error = not_connected(address, PermissionError(errno.EACCES, "Permission denied"))
    user = pwd.getpwuid(tmp_path.stat().st_uid).pw_name
    assert f"(sudo -u {user})" in error.hint
    gone = DaemonAddress(socket=tmp_path / "gone" / "rest.sock")
    error = not_connected(gone, PermissionError(errno.EACCES, "Permission denied"))
    assert "another user" in error.hint
