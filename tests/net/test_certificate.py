"""For which hosts a certificate is, and which certificates are for none."""

from ipaddress import ip_address

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from qabel.net.certificate import MAX_NAMES, CertificateRejected, check_certificate
from tests.net.certificates import certificate, dns, ip, names, sequence

GOOD = [
    ("drop.example", ["drop.example"]),
    ("DROP.example.", ["other.example", "Drop.EXAMPLE"]),
    ("localhost", ["localhost"]),
    ("drop_server.example", ["drop_server.example"]),
    ("xn--bcher-kva.example", ["xn--bcher-kva.example"]),
    ("a.drop.example", ["*.drop.example"]),
    ("xn--bcher-kva.drop.example", ["*.Drop.example"]),
    ("127.0.0.1", ["127.0.0.1"]),
    ("127.1", ["127.0.0.1"]),
    ("::1", ["drop.example", "::1"]),
    ("0:0::1", ["::1"]),
    ("nas.lan", ["*.lan", "nas.lan"]),
]
OTHERS = [
    ("drop.example", ["other.example"]),
    ("drop.example", ["a.drop.example"]),
    ("a.drop.example", ["drop.example"]),
    ("drop.example", ["drop.example.org"]),
    ("drop.example", ["*.example"]),
    ("drop.example", ["*"]),
    ("localhost", ["*"]),
    ("drop.example", ["*.drop.example"]),
    ("a.b.drop.example", ["*.drop.example"]),
    ("foo.drop.example", ["f*.drop.example"]),
    ("foo.drop.example", ["*o.drop.example"]),
    ("foo.drop.example", ["f*o.drop.example"]),
    ("foo.drop.example", ["**.drop.example"]),
    ("xn--bcher-kva.drop.example", ["xn--*.drop.example"]),
    ("127.0.0.1", ["127.0.0.2"]),
    ("127.0.0.1", ["::ffff:127.0.0.1"]),
    ("::1", ["127.0.0.1"]),
    ("drop.example", []),
]
_NAME = dns(b"drop.example")
MALFORMED = {
    "no DER": b"drop.example",
    "cut off": sequence(_NAME)[:-1],
    "more behind it": sequence(_NAME) + b"\x05\x00",
    "a name beyond its end": b"\x30\x10" + _NAME,
    "NUL in a name": sequence(_NAME, dns(b"drop.example\0.other.example")),
    "NUL after the name": sequence(dns(b"drop.example\0")),
    "empty name": sequence(_NAME, dns(b"")),
    "name not ASCII": sequence(_NAME, dns(b"dr\xf6p.example")),
    "name in UTF-8": sequence(_NAME, dns("dröp.example".encode())),
    "a letter like k": sequence(_NAME, dns("drop\u212a.example".encode())),
    "space": sequence(_NAME, dns(b" drop.example")),
    "line end": sequence(_NAME, dns(b"drop.example\n")),
    "two names in one": sequence(dns(b"drop.example,other.example")),
    "port": sequence(dns(b"drop.example:443")),
    "URL": sequence(dns(b"https://drop.example")),
    "final dot": sequence(dns(b"drop.example.")),
    "dot in front": sequence(dns(b".drop.example")),
    "two dots": sequence(dns(b"drop..example")),
    "wildcard in the middle": sequence(_NAME, dns(b"a.*.example")),
    "wildcard at the end": sequence(_NAME, dns(b"drop.*")),
    "long label": sequence(_NAME, dns(b"x" * 64 + b".example")),
    "long name": sequence(_NAME, dns(b".".join([b"x" * 60] * 5))),
    "address of 3 bytes": sequence(_NAME, ip(b"\x7f\0\0")),
    "address of 5 bytes": sequence(_NAME, ip(b"\x7f\0\0\1\0")),
    "no address": sequence(_NAME, ip(b"")),
    "unknown kind": sequence(_NAME, b"\x8f\x01x"),
    "too many names": sequence(*[_NAME] * (MAX_NAMES + 1)),
    "too long": sequence(_NAME, *[b"\x86\x80" + b"x" * 128] * 520),
}


@pytest.mark.parametrize(("host", "found"), GOOD)
def test_hosts_of_a_certificate(host: str, found: list[str]) -> None:
    """A certificate is for its names, for those below a wildcard, and for its addresses."""
    check_certificate(certificate(names(*found))[0], host)


@pytest.mark.parametrize(("host", "found"), OTHERS)
def test_other_hosts(host: str, found: list[str]) -> None:
    """A certificate is for no other host; a wildcard is one whole label, with two after it."""
    with pytest.raises(CertificateRejected, match="is for other hosts"):
        check_certificate(certificate(names(*found), common_name=host)[0], host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "::1"])
def test_addresses_are_no_names(host: str) -> None:
    """An address is not matched by a dNSName that spells it, nor by a wildcard."""
    made = sequence(dns(host.encode()) if ":" not in host else _NAME, dns(b"*.0.0.1"), dns(b"*.1"))
    with pytest.raises(CertificateRejected):
        check_certificate(certificate(made, common_name=host)[0], host)


@pytest.mark.parametrize("san", MALFORMED.values(), ids=MALFORMED)
def test_malformed(san: bytes) -> None:
    """A certificate with anything malformed is for no host, whatever else it has."""
    with pytest.raises(CertificateRejected):
        check_certificate(certificate(san)[0], "drop.example")


@pytest.mark.parametrize(
    "found",
    [
        x509.UniformResourceIdentifier("https://drop.example"),
        x509.RFC822Name("drop.example"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.DirectoryName(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "drop.example")])
        ),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7"), b"\x16\x0ddrop.example1"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_other_kinds_of_names(found: x509.GeneralName) -> None:
    """Names of other kinds do not count, and do no harm beside the right one."""
    with pytest.raises(CertificateRejected, match="is for other hosts"):
        check_certificate(certificate(x509.SubjectAlternativeName([found]))[0], "drop.example")
    both = x509.SubjectAlternativeName([found, x509.DNSName("drop.example")])
    check_certificate(certificate(both)[0], "drop.example")


def test_common_names_do_not_count() -> None:
    """A certificate without subjectAltName is for no host."""
    with pytest.raises(CertificateRejected, match="no subjectAltName"):
        check_certificate(certificate(None, common_name="drop.example")[0], "drop.example")


def test_two_lists_of_names() -> None:
    """A certificate with two subjectAltNames is for no host."""
    made, _ = certificate(sequence(_NAME), second_san=sequence(_NAME))
    with pytest.raises(CertificateRejected, match="is malformed"):
        check_certificate(made, "drop.example")


def test_many_names() -> None:
    """A certificate may have many names, of which the error shows a few."""
    made, _ = certificate(sequence(*[dns(b"x%d.example" % i) for i in range(MAX_NAMES - 1)], _NAME))
    check_certificate(made, "drop.example")
    with pytest.raises(CertificateRejected) as raised:
        check_certificate(made, "other.example")
    assert raised.value.detail == (
        "is for other hosts (x0.example, x1.example, x2.example and 997 more); check the URL"
    )


_labels = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True).filter(
    lambda label: not label.isdigit() and not label.startswith("0x")
)
_hosts = st.lists(_labels, min_size=1, max_size=5).map(".".join)


@given(_hosts, _hosts)
def test_names_match_exactly_or_one_label_below_a_wildcard(host: str, name: str) -> None:
    """A name matches itself only, its wildcard just what has one label more."""
    assert accepts(dns(name.encode()), host) == (host == name)
    below = host.partition(".")[2] == name and "." in name
    assert accepts(dns(b"*." + name.encode()), host) == below
    assert accepts(dns(b"*." + name.encode()), f"x.{name}") == ("." in name)


@given(st.binary(max_size=20) | st.binary(max_size=20).map(lambda data: sequence(dns(data))))
def test_any_bytes_are_rejected(san: bytes) -> None:
    """Whatever bytes a subjectAltName has, it is rejected in one way, or for other hosts."""
    with pytest.raises(CertificateRejected):
        check_certificate(certificate(san)[0], "drop-server.some-host.example")


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4))
def test_addresses_match_exactly(one: bytes, two: bytes) -> None:
    """An address is matched by itself only."""
    assert accepts(ip(one), str(ip_address(two))) == (one == two)


def accepts(name: bytes, host: str) -> bool:
    """Return whether a certificate with that name is for a host."""
    try:
        check_certificate(certificate(sequence(name))[0], host)
    except CertificateRejected:
        return False
    return True
