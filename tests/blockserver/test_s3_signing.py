"""Signatures: as Amazon's own library makes them, and none is logged. Servers check them, too."""

import logging
import re
from hashlib import sha256

import pytest

from qabel.blockserver.s3_credentials import S3Credentials
from tests.blockserver.s3_servers import need_botocore

URL = "https://s3.example.org/bucket/p/ab?partNumber=1&uploadId=a%2Fb"
DIGEST = sha256(b"body").hexdigest()
HEADERS = {"Host": "s3.example.org", "Range": "bytes=0-1"}


@pytest.fixture(autouse=True)
def _botocore() -> None:
    """Skip the tests if it is not installed."""
    need_botocore()


def signed(session: str = "", digest: str = DIGEST) -> dict[str, str]:
    """Return the headers of a signed request."""
    from qabel.blockserver.s3_signing import S3Signer

    signer = S3Signer(S3Credentials("AKID", "secret", session), "eu-central-1")
    headers = signer.sign("PUT", URL, HEADERS, digest)
    return {
        name.decode().lower(): values[0].decode() for name, values in headers.getAllRawHeaders()
    }


@pytest.mark.parametrize("session", ["", "token"])
def test_it_is_the_signature_of_s3(session: str) -> None:
    """The library's signer for S3, which makes the digest itself, says the same."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    found = signed(session)
    while True:
        request = AWSRequest(method="PUT", url=URL, headers=HEADERS, data=b"body")
        S3SigV4Auth(Credentials("AKID", "secret", session or None), "s3", "eu-central-1").add_auth(
            request
        )
        wanted = {name.lower(): value for name, value in request.headers.items()}
        if wanted["x-amz-date"] == found["x-amz-date"]:
            break
        found = signed(session)  # a second has passed between them
    assert found == wanted
    assert found.get("x-amz-security-token", "") == session


def test_the_digest_is_signed() -> None:
    """Nobody on the way can put something else in its place."""
    first, other = signed(), signed(digest="0" * 64)
    assert other["x-amz-content-sha256"] == "0" * 64
    assert first["authorization"] != other["authorization"]
    names = re.search("SignedHeaders=([^,]+)", first["authorization"])
    assert names is not None
    assert names[1] == "host;range;x-amz-content-sha256;x-amz-date"
    assert "secret" not in str(first)


def test_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Even where everything is."""
    with caplog.at_level(logging.DEBUG):
        signed("token")
    assert caplog.text == ""
