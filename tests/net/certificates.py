"""Certificates of every kind, proper and odd, and the servers' TLS options for them."""

import datetime as dt
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL.crypto import X509, PKey
from twisted.internet.ssl import CertificateOptions

Pair: TypeAlias = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
"""A certificate and its key."""

_SAN = x509.OID_SUBJECT_ALTERNATIVE_NAME
_STAND_IN = x509.ObjectIdentifier("2.5.29.99")


def sequence(*items: bytes) -> bytes:
    """Return a DER sequence."""
    return _tagged(0x30, b"".join(items))


def dns(name: bytes) -> bytes:
    """Return the DER of a dNSName with any bytes."""
    return _tagged(0x82, name)


def ip(address: bytes) -> bytes:
    """Return the DER of an iPAddress with any bytes."""
    return _tagged(0x87, address)


def names(*texts: str) -> x509.SubjectAlternativeName:
    """Return a subjectAltName of host names and addresses."""
    return x509.SubjectAlternativeName(
        [
            x509.IPAddress(ip_address(each))
            if each[:1].isdigit() or ":" in each
            else x509.DNSName(each)
            for each in texts
        ]
    )


def certificate(
    san: x509.SubjectAlternativeName | bytes | None,
    issuer: Pair | None = None,
    *,
    common_name: str = "test",
    authority: bool = False,
    days: tuple[int, int] = (-1, 1),
    others: Iterable[x509.ExtensionType] = (),
    second_san: bytes | None = None,
) -> Pair:
    """Make a certificate, signed by an issuer or itself.

    Args:
        san: its subjectAltName, also as DER, which need not be valid; None for none.
        issuer: who signs it; None for itself.
        common_name: of its subject.
        authority: whether it may sign others.
        days: from when to when it is valid, in days from now.
        others: more extensions.
        second_san: the DER of a second subjectAltName.

    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    issuer_certificate, issuer_key = issuer or (None, key)
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name if issuer_certificate is None else issuer_certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if isinstance(san, bytes):
        builder = builder.add_extension(x509.UnrecognizedExtension(_SAN, san), critical=False)
    elif san is not None:
        builder = builder.add_extension(san, critical=False)
    for each in others:
        builder = builder.add_extension(each, critical=False)
    if second_san is not None:
        stand_in = x509.UnrecognizedExtension(_STAND_IN, second_san)
        builder = builder.add_extension(stand_in, critical=False)
    made = builder.sign(issuer_key, hashes.SHA256())
    return (made if second_san is None else _duplicate(made, issuer_key)), key


def server_options(pair: Pair, *chain: Pair) -> CertificateOptions:
    """Return the TLS options of a server for a certificate, its key, and those who signed it."""
    return CertificateOptions(
        privateKey=PKey.from_cryptography_key(pair[1]),
        certificate=X509.from_cryptography(pair[0]),
        extraCertChain=[X509.from_cryptography(each[0]) for each in chain],
    )


def _duplicate(made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Turn the extension that stands in for a second subjectAltName into one, and sign again."""
    body = made.tbs_certificate_bytes.replace(b"\x06\x03\x55\x1d\x63", b"\x06\x03\x55\x1d\x11")
    signature = key.sign(body, ec.ECDSA(hashes.SHA256()))
    algorithm = sequence(bytes.fromhex("06082a8648ce3d040302"))
    return x509.load_der_x509_certificate(
        sequence(body, algorithm, _tagged(0x03, b"\0" + signature))
    )


def _tagged(tag: int, value: bytes) -> bytes:
    size = len(value)
    if size < 128:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + value
