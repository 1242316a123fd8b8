"""A drop server for a closed group, with real processes."""

import signal
from pathlib import Path

from tests.integration.test_dropserver import LISTEN, A, ask, drop_server

TOKEN, NEXT = "correct-horse-battery", "Zm9vYmFyYmF6cXV4/+=="


def as_member(port: int, token: str, method: str = "GET", body: bytes | None = None) -> int:
    """Make a request with a token, and give the status."""
    return ask(port, method, {"Authorization": f"Client {token}"}, body)[0].status


def token_file(folder: Path, *tokens: str) -> Path:
    """Write the file of a group."""
    path = folder / "group-token"
    path.touch(0o600)
    path.write_text("\n".join(tokens) + "\n")
    return path


def test_the_token_is_changed(tmp_path: Path) -> None:
    """The server reads the file again on SIGHUP, and says so without the token."""
    file = token_file(tmp_path, TOKEN)
    with drop_server(tmp_path, LISTEN, f"--group-token-file={file}") as server:
        port = server.port("qabel-drop")
        assert as_member(port, TOKEN, "POST", b"hello") == 200
        assert [as_member(port, each) for each in (TOKEN, NEXT, "Qabel")] == [200, 401, 401]
        for tokens, statuses, what in (
            ((NEXT, TOKEN), [200, 200], "a new group token is accepted"),
            (("short",), [200, 200], "The group token is not changed"),
            ((NEXT,), [401, 200], "an earlier one is not accepted any more"),
        ):
            token_file(tmp_path, *tokens)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for(what)
            assert [as_member(port, each) for each in (TOKEN, NEXT)] == statuses
        assert ask(port, "GET", path="/")[0].status == 200
        server.stop()
        for secret in (TOKEN, NEXT, A[1:], "Client"):
            assert secret not in server.log + server.errors
