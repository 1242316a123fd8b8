"""The block server as a real process, with its objects on a real S3 server."""

import http.client
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_twisted
from attrs import define
from twisted.internet import reactor
from twisted.internet.task import deferLater

from qabel.blockserver.s3_upload import PART
from tests.blockserver.s3_servers import KEY_ID, SECRET, S3Server, need_botocore, rclone_server
from tests.blockserver.test_s3_upload import uploads
from tests.integration.processes import Twistd
from tests.integration.test_blockserver import Restarted, command, peak_memory

BODY = random.Random(3).randbytes(60_000_000)  # noqa: S311 - a content, no secret
PLACE = "s3://bucket/live"


@define(eq=False)
class RestartedWithS3(Restarted):
    """A server whose objects are in S3."""

    endpoint: str = ""

    def options(self) -> list[str]:
        """Return those of its storage."""
        return [
            f"--storage={PLACE}",
            f"--s3-endpoint={self.endpoint}",
            f"--s3-credentials={credentials(self.folder)}",
        ]


def credentials(folder: Path) -> Path:
    """Write the file with the access key, and return its path."""
    need_botocore()
    path = folder / "credentials"
    path.touch(mode=0o600)
    path.write_text(f"[default]\naws_access_key_id={KEY_ID}\naws_secret_access_key={SECRET}\n")
    return path


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Return the S3 server."""
    with rclone_server(tmp_path_factory.mktemp("s3")) as made:
        yield made


@pytest.fixture
def token(tmp_path: Path) -> str:
    """Return a token that was made before the server has ever run."""
    return command(tmp_path / "data", "token", "new", "anna").stdout.strip()


@pytest.fixture
def server(tmp_path: Path, remote: S3Server, token: str) -> Iterator[RestartedWithS3]:
    """Return a server that can be killed."""
    made = RestartedWithS3(tmp_path, endpoint=remote.endpoint)
    made.start()
    yield made
    made.process.kill()


def new_path(server: Restarted, token: str) -> str:
    """Return the path of an object in a new prefix."""
    return f"/files/{json.loads(server.ask('POST', '/prefix/', token)[1])['prefix']}/blocks/b"


@pytest_twisted.ensureDeferred
async def test_a_large_object(server: RestartedWithS3, remote: S3Server, token: str) -> None:
    """It takes little memory, and what a crash leaves of it on the S3 server is removed."""
    async with remote.objects(PLACE) as objects:
        path, before = new_path(server, token), peak_memory(server.process.process.pid)
        assert server.ask("POST", path, token, BODY)[0] == 204
        assert server.ask("GET", path)[1] == BODY
        assert peak_memory(server.process.process.pid) - before < 40_000_000
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", f"/api/v0{path}")
        connection.putheader("Authorization", f"Token {token}")
        connection.putheader("Content-Length", str(len(BODY)))
        connection.endheaders(BODY[: 2 * PART])
        while not await uploads(objects):
            await deferLater(reactor, 0.02)
        server.process.kill()
        connection.close()
        server.start()
        assert server.ask("GET", path)[1] == BODY
        while await uploads(objects):
            await deferLater(reactor, 0.02)


def test_a_server_that_is_away(tmp_path: Path, token: str) -> None:
    """Clients are told to come again, and the log has no secrets."""
    server = RestartedWithS3(tmp_path, endpoint="http://127.0.0.1:1")
    server.start()
    with server.process:
        assert server.ask("POST", new_path(server, token), token, b"x")[0] == 503
        server.process.wait_for("the storage cannot be used: the S3 server cannot be reached")
        server.process.stop()
        said = server.process.log + server.process.errors
        assert [each for each in (SECRET, KEY_ID, "AWS4", token) if each in said] == []


def test_another_storage_than_before(server: RestartedWithS3, tmp_path: Path) -> None:
    """It ends with one line."""
    server.process.stop()
    with Twistd(tmp_path / "logs", "qabel-block", f"--data-dir={tmp_path / 'data'}") as other:
        assert other.ended() == 1
        (line,) = other.errors.splitlines()
        assert line.startswith(f"qabel-block: the objects of this server are in {PLACE} at http")
