"""What is wrong with a TLS connection, in words for whoever can do something about it."""

from attrs import define
from OpenSSL import SSL
from OpenSSL.crypto import X509

_Codes = SSL.X509VerificationCodes

_TRUST = (
    "if you trust it, add its certificate to those of this machine, or to the file SSL_CERT_FILE "
    "of the daemon"
)
_SELF_SIGNED = f"is self-signed; {_TRUST}"
_UNTRUSTED = (
    "is not signed by an authority that this machine trusts; if you trust the authority, add its "
    "certificate to those of this machine, or to the file SSL_CERT_FILE of the daemon"
)
_VERIFICATION_ERRORS = {
    _Codes.ERR_CERT_NOT_YET_VALID: "is not valid before {begin}; check this machine's clock",
    _Codes.ERR_CERT_HAS_EXPIRED: "has expired (on {end}); its operator has to renew it",
    _Codes.ERR_DEPTH_ZERO_SELF_SIGNED_CERT: _SELF_SIGNED,
    _Codes.ERR_SELF_SIGNED_CERT_IN_CHAIN: _UNTRUSTED,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT: _UNTRUSTED,
    _Codes.ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: _UNTRUSTED,
    _Codes.ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: _UNTRUSTED,
}
"""What OpenSSL's commonest errors mean."""

_NO_TLS = (
    "does not speak TLS on this port: check the port, or use an http URL if it is to have no TLS"
)
_TOO_OLD = "offers only versions of TLS that are too old: its operator has to allow TLS 1.2 or 1.3"
_NAME = "has no certificate for this host name: check the URL"
_CLIENT_CERTIFICATE = (
    "demands a client certificate, which Qabel has not: its operator has to turn that off"
)
_NOTHING_IN_COMMON = (
    "rejected the TLS handshake: it accepts none of this machine's versions and ciphers, or "
    "demands a client certificate"
)
_HANDSHAKE_ERRORS = (
    ("wrong version number", _NO_TLS),
    ("http request", _NO_TLS),
    ("packet length too long", _NO_TLS),
    ("unsupported protocol", _TOO_OLD),
    ("protocol version", _TOO_OLD),
    ("unrecognized name", _NAME),
    ("certificate required", _CLIENT_CERTIFICATE),
    ("bad certificate", _CLIENT_CERTIFICATE),
    ("handshake failure", _NOTHING_IN_COMMON),
)
"""What is in OpenSSL's texts, and what it means."""

_ERROR_PAGES = (
    (b"plain HTTP request was sent to HTTPS port", "expects TLS: use its https URL"),
    (b"sent an HTTP request to an HTTPS server", "expects TLS: use its https URL"),
    (b"speaking plain HTTP to an SSL-enabled", "expects TLS: use its https URL"),
    (b"No required SSL certificate was sent", _CLIENT_CERTIFICATE),
)
"""What web servers write on pages with status 400: nginx, those written in Go, Apache."""

ERROR_PAGE = 2048
"""Bytes of a page with an error that are looked at."""

EXPECTS_TLS = "if it expects TLS, use its https URL"
"""What to add where a server without TLS says nothing that can be understood."""


def describe_verification(error: int, certificate: X509, depth: int) -> str:
    """Return why OpenSSL rejects a certificate; it continues the words "its certificate".

    Args:
        error: OpenSSL's number for it.
        certificate: the one of the chain that is rejected.
        depth: its place in the chain; 0 for the server's own.

    """
    problem = _VERIFICATION_ERRORS.get(error, f"is not valid (OpenSSL error {error})")
    found = certificate.to_cryptography()
    text = problem.format(
        begin=found.not_valid_before_utc.date(), end=found.not_valid_after_utc.date()
    )
    return f"is signed by one that {text}" if depth and text != problem else text


def describe_failure(error: BaseException | None, otherwise: str) -> str:
    """Return what a TLS error means; it continues the name of the server.

    Args:
        error: of pyOpenSSL.
        otherwise: what to say of an error that is not known.

    """
    reason = _reason(error)
    for part, meaning in _HANDSHAKE_ERRORS:
        if part in reason.lower():
            return meaning
    return f"{otherwise}: {reason}" if reason else otherwise


@define
class ErrorPage:
    """The start of the page of a web server with status 400, which may say something of TLS."""

    _start: bytes = b""

    def feed(self, data: bytes) -> bool:
        """Take the next bytes, and return whether there are enough."""
        self._start += data[: ERROR_PAGE - len(self._start)]
        return len(self._start) >= ERROR_PAGE

    @property
    def meaning(self) -> str | None:
        """What it says, as a continuation of the server's name; None if it says nothing."""
        return next((meaning for text, meaning in _ERROR_PAGES if text in self._start), None)


def _reason(error: BaseException | None) -> str:
    """Return what OpenSSL says of an error, which are texts of its own, or ""."""
    try:
        return "" if error is None else str(error.args[0][-1][2])
    except (IndexError, TypeError):
        return ""
