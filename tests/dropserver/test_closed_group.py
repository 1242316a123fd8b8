"""A closed group: who is let in, and what a file with a token must be like."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.logger import globalLogPublisher
from twisted.web.http_headers import Headers

from qabel.dropserver.closed_group import CHALLENGE, BadTokenFile, ClosedGroup, parse_tokens
from qabel.dropserver.drop_metrics import expose
from qabel.host.start_errors import StartError
from tests.dropserver.test_drop_resource import A, messages
from tests.dropserver.test_service import HANDSHAKE

TOKEN, OTHER = "correct-horse-battery", "Zm9vYmFyYmF6cXV4/+=="

MEMBER = {"Authorization": f"Client {TOKEN}"}

OUTSIDERS: list[dict[str, str]] = [
    {},
    {"Authorization": "Client Qabel"},
    {"Authorization": f"Client {TOKEN[:-1]}"},
    {"Authorization": f"Client {TOKEN}x"},
    {"Authorization": f"client {TOKEN}"},
    {"Authorization": f"Bearer {TOKEN}"},
    {"Authorization": TOKEN},
    {"Authorization": "Client "},
    {"X-Authorization": f"Client {TOKEN}"},
]

Make = Callable[..., ClosedGroup]


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    """Write a file with a mode."""
    path.touch()
    path.chmod(mode)
    path.write_text(text)
    return path


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return a function that makes a group of tokens."""
    return lambda *tokens: ClosedGroup.load(write(tmp_path / "token", "\n".join(tokens) + "\n"))


@pytest.fixture
def logged() -> Any:
    """Return what is logged."""
    texts: list[str] = []

    def observe(event: Any) -> None:
        if event.get("log_format"):
            texts.append(event["log_format"].format(**event))

    globalLogPublisher.addObserver(observe)
    yield texts
    globalLogPublisher.removeObserver(observe)


@pytest.mark.parametrize("headers", OUTSIDERS)
def test_who_is_refused(make: Make, headers: dict[str, str]) -> None:
    """Only the token itself admits, after the word that clients send."""
    group = make(TOKEN)
    assert group.admits(Headers({"Authorization": [f"Client {TOKEN}"]}))
    assert not group.admits(Headers({name: [value] for name, value in headers.items()}))


def test_two_headers(make: Make) -> None:
    """A request that says two things says nothing."""
    both = Headers({"Authorization": [f"Client {TOKEN}", f"Client {TOKEN}"]})
    assert not make(TOKEN).admits(both)


def test_nothing_shows_a_token(make: Make) -> None:
    """Neither the group nor what it consists of shows the token."""
    assert TOKEN not in f"{make(TOKEN)!r} {make(TOKEN)}"


@pytest.mark.parametrize(
    ("content", "tokens"),
    [
        (TOKEN, [TOKEN]),
        (f"{TOKEN}\n", [TOKEN]),
        (f"\n  {TOKEN}\t\r\n\r\n", [TOKEN]),
        (f"{OTHER}\n{TOKEN}\n", [OTHER, TOKEN]),
        ("x" * 512, ["x" * 512]),
    ],
)
def test_a_good_file(content: str, tokens: list[str]) -> None:
    """White space around tokens, and empty lines, do not count."""
    assert parse_tokens(content.encode(), Path("t")) == tokens


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "t is empty; write a token to it: "),
        (b"\n \r\n", "t is empty; write a token to it: "),
        (b"three-times-too-much\n" * 3, "t has 3 lines; it must have one"),
        (b"correct horse battery", "in t must consist of printable ASCII characters, without"),
        ("größenordnungsmäßig".encode(), "in t must consist of printable ASCII characters"),
        (b"sixteen-and-more\nsixteen-\0-more", "in line 2 of t must consist of printable ASCII"),
        (b"secret", "in t is too short to be a secret: it has 6 characters, and must have at"),
        (b"x" * 513, "t is too long: a token has at most 512 characters"),
    ],
)
def test_a_bad_file(content: bytes, why: str) -> None:
    """It is said what is wrong, and where; what is in the file is not said."""
    with pytest.raises(BadTokenFile) as error:
        parse_tokens(content, Path("t"))
    assert why in str(error.value)
    assert not any(word in str(error.value) for word in ("battery", "secret:6", "größen", "three-"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is said how to make one, with the name of the file as a shell reads it."""
    with pytest.raises(StartError, match=r"--group-token-file: there is no .*'.*/a b'\)$"):
        ClosedGroup.load(tmp_path / "a b")


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o666])
def test_a_file_that_others_can_read(tmp_path: Path, mode: int) -> None:
    """It is refused, and it is said how to mend it."""
    path = write(tmp_path / "token", TOKEN, mode)
    with pytest.raises(StartError, match=rf"mode {mode:04o}.*chmod 600 {path}") as error:
        ClosedGroup.load(path)
    assert TOKEN not in str(error.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to root")
def test_a_file_of_root(tmp_path: Path) -> None:
    """A group may read a file of root: the server's user is in it. Other users' files are none."""
    path = write(tmp_path / "token", TOKEN, 0o640)
    ClosedGroup.load(path)
    os.chown(path, 4711, 4711)
    with pytest.raises(StartError, match="mode 0640"):
        ClosedGroup.load(path)
    path.chmod(0o600)
    with pytest.raises(StartError, match="belongs to another user"):
        ClosedGroup.load(path)


def test_what_is_no_file(tmp_path: Path) -> None:
    """A directory, a pipe on which it would wait, or a file without end is an error at once."""
    (tmp_path / "dir").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path / "dir", tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(StartError, match=f"{path} is not a file"):
            ClosedGroup.load(path)
    with pytest.raises(StartError, match="too long"):
        ClosedGroup.load(write(tmp_path / "long", "x\n" * 5000))


def test_reading_it_again(make: Make, logged: list[str]) -> None:
    """Without a gap: the new and the earlier token are accepted, until the latter is gone."""

    def admitted() -> list[bool]:
        asked = [Headers({"Authorization": [f"Client {each}"]}) for each in (TOKEN, OTHER)]
        return [group.admits(each) for each in asked]

    group, excluded = make(TOKEN), []
    group.on_excluded = lambda: excluded.append(admitted())
    group.reload()
    assert (admitted(), excluded) == ([True, False], [])
    group.path.write_text(f"{OTHER}\n{TOKEN}\n")
    group.reload()
    assert (admitted(), excluded) == ([True, True], [])
    group.path.write_text("short")
    group.reload()
    assert (admitted(), excluded) == ([True, True], [])
    group.path.write_text(OTHER)
    group.reload()
    assert (admitted(), excluded) == ([False, True], [[False, True]])
    assert [each.rpartition(": ")[2] for each in logged] == [
        "the group token is the same as before.",
        "a new group token is accepted.",
        "it has 5 characters, and must have at least 16, drawn at random",
        "an earlier one is not accepted any more.",
    ]
    assert not any(token in text for text in logged for token in (TOKEN, OTHER, "short\n"))


@pytest.mark.parametrize("outsider", OUTSIDERS)
@pytest_twisted.ensureDeferred
async def test_every_way_in(running: Any, make: Make, outsider: dict[str, str]) -> None:
    """Posting, reading and push need the token; the front page does not."""
    async with running(group=make(TOKEN)) as server:
        assert (await server.ask("POST", A, MEMBER, b"hello")).status == 200
        assert messages(await server.ask("GET", A, MEMBER)) == [b"hello"]
        assert (await server.ask("HEAD", A, MEMBER)).status == 200
        for method, path in (("POST", A), ("GET", A), ("HEAD", A), ("GET", A + "/ws")):
            refused = await server.ask(method, path, outsider, b"x" if method == "POST" else b"")
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"] == CHALLENGE.decode()
            error = {"error": "Wrong or missing group token"}
            assert method == "HEAD" or json.loads(refused.body) == error
        assert messages(await server.ask("GET", A, MEMBER)) == [b"hello"]
        program, browser = [
            await server.ask("GET", "/", {"Accept": each, **outsider})
            for each in ("*/*", "text/html")
        ]
        metrics = expose(await server.service.state()).decode()
    assert json.loads(program.body).keys() == {"drop_id_bits", "lifetime", "max_size"}
    assert b"closed group" in browser.body
    assert 'posted_total{outcome="unauthorized"} 1.0' in metrics
    assert 'got_total{outcome="unauthorized"} 3.0' in metrics
    assert 'posted_total{outcome="invalid"} 0.0' in metrics


@pytest_twisted.ensureDeferred
async def test_refusals_are_no_messages(running: Any, make: Make) -> None:
    """An outsider uses up no rate and no file: the members behind the same address go on."""
    async with running(group=make(TOKEN)) as server:
        store, server.service._resource._store = server.service._resource._store, None
        for path in (A, A[:-1]):
            assert (await server.ask("POST", path, body=b"x")).status == 401
        assert (await server.ask("POST", A, MEMBER, b"x")).status == 503
        server.service._resource._store = store
        assert (await server.ask("POST", A[:-1], MEMBER, b"x")).status == 400
        assert (await server.ask("POST", A, MEMBER, b"x" * 3000)).status == 413
        assert (await server.ask("DELETE", A)).status == 405


@pytest_twisted.ensureDeferred
async def test_push(running: Any, make: Make) -> None:
    """A listener is told until its token is taken away, and then disconnected."""
    group = make(TOKEN)
    head = f"GET {A}/ws HTTP/1.1\r\n{HANDSHAKE}\r\n"
    async with running(group=group) as server:
        listener = await server.connect()
        listener.transport.write(f"{head}Authorization: Client {TOKEN}\r\n\r\n".encode())
        await listener.until(lambda data: b" 101 " in data)
        await server.ask("POST", A, MEMBER, b"news")
        await listener.until(lambda data: b"\n\nnews" in data)
        group.path.write_text(OTHER)
        group.reload()
        assert await listener.closed.addTimeout(5, reactor)
        again = await server.connect()
        again.transport.write(f"{head}Authorization: Client {TOKEN}\r\n\r\n".encode())
        await again.until(lambda data: data.startswith(b"HTTP/1.1 401 "))
        again.transport.loseConnection()
        await again.closed
