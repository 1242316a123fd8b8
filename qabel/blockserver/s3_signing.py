"""Signing requests to S3. Only this module knows botocore, which few have."""

import logging
from collections.abc import Mapping

import attrs
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from twisted.web.http_headers import Headers

from qabel.blockserver.s3_credentials import S3Credentials

# Otherwise it would log what is signed, if somebody logs everything.
logging.getLogger("botocore.auth").setLevel(logging.INFO)


@attrs.define(eq=False, repr=False)
class S3Signer:
    """Signs requests with an access key.

    Args:
        credentials: the access key.
        region: of the server.

    """

    _credentials: S3Credentials
    _region: str

    def sign(self, method: str, url: str, headers: Mapping[str, str], digest: str) -> Headers:
        """Return the headers of a request, with its signature, which holds for some minutes.

        Args:
            method: of the request.
            url: of the request; of characters that need no codes, but for its query.
            headers: its headers, with ``Host``.
            digest: the SHA-256 of its body, in hexadecimal. The server refuses another body.

        """
        wanted = {**headers, "X-Amz-Content-SHA256": digest}
        request = AWSRequest(method=method, url=url, headers=wanted)
        given = self._credentials
        # The signer for S3 alone would make the digest again; paths are the same for both.
        key = Credentials(given.key_id, given.secret, given.session or None)
        SigV4Auth(key, "s3", self._region).add_auth(request)
        return Headers({name: [value] for name, value in request.headers.items()})
