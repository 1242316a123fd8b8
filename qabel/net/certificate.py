"""Whether a server's certificate is for its host: strictly, and by subjectAltName only (RFC 9525).

Authorities sign certificates for whoever owns *some* name. What stands between their owner and our
messages is this check, so whatever is unusual in a certificate speaks against it.
"""

import re

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import (
    Certificate,
    DNSName,
    ExtensionNotFound,
    IPAddress,
    SubjectAlternativeName,
)

from qabel.net.addresses import parse_host_address

MAX_BYTES = 65536
"""Bytes that a certificate may have."""

MAX_NAMES = 1000
"""Names that a certificate may have: each of them costs time."""

_SHOWN_NAMES = 3

_LABEL = re.compile(r"[0-9a-z_]([0-9a-z_-]{0,61}[0-9a-z_])?", re.IGNORECASE | re.ASCII)
_FIRST_LABEL = re.compile(r"[0-9a-z_*]([0-9a-z_*-]{0,61}[0-9a-z_*])?", re.IGNORECASE | re.ASCII)


class CertificateRejected(Exception):
    """The certificate is not acceptable; ``detail`` continues the words "its certificate"."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def check_certificate(certificate: Certificate, host: str) -> None:
    """Check that a certificate is for a host, a name or an address without brackets.

    A name must be a dNSName of the certificate, an address an iPAddress; the common name does not
    count. A wildcard stands for the whole leftmost label, before at least two others. Raises
    CertificateRejected, also for a certificate that is malformed in any way that matters here.
    Whether it is signed and valid is not checked.
    """
    names, addresses = _read_names(certificate)
    wanted = host.lower().removesuffix(".")
    address = parse_host_address(wanted)
    if address is not None:
        found = address in addresses
    else:
        found = any(_matches(each, wanted) for each in names)
    if not found:
        shown = [*names[:_SHOWN_NAMES], *map(str, addresses[:_SHOWN_NAMES])][:_SHOWN_NAMES]
        others = len(names) + len(addresses) - len(shown)
        more = f" and {others} more" if others else ""
        raise CertificateRejected(
            f"is for other hosts ({', '.join(shown) or 'none'}{more}); check the URL"
        )


def _read_names(certificate: Certificate) -> tuple[list[str], list[object]]:
    """Return the host names, in lower case, and the addresses of a certificate."""
    if len(certificate.public_bytes(Encoding.DER)) > MAX_BYTES:
        raise CertificateRejected(f"is larger than {MAX_BYTES} bytes")
    try:
        found = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
        names = found.get_values_for_type(DNSName)
        addresses: list[object] = list(found.get_values_for_type(IPAddress))
    except ExtensionNotFound:
        raise CertificateRejected("has no subjectAltName, so it names no host") from None
    except Exception:  # noqa: BLE001 - what cannot be read must not be trusted, whatever it raises
        raise CertificateRejected("is malformed") from None
    if len(found) > MAX_NAMES:
        raise CertificateRejected(f"has more than {MAX_NAMES} names")
    if not all(map(_is_name, names)):
        raise CertificateRejected("has an invalid host name")
    return [each.lower() for each in names], addresses


def _is_name(text: str) -> bool:
    """Return whether a name is a host name, whose first label may have wildcards."""
    first, *others = text.split(".")
    return (
        len(text) <= 253
        and _FIRST_LABEL.fullmatch(first) is not None
        and all(map(_LABEL.fullmatch, others))
    )


def _matches(name: str, host: str) -> bool:
    if "*" not in name:
        return name == host
    first, _, parent = name.partition(".")
    _, _, host_parent = host.partition(".")
    return first == "*" and "." in parent and parent == host_parent
