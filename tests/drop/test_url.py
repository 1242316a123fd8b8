"""Drop URLs: parsing, normal form, and that they reveal no secret."""

import base64
import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.drop.url import DropURL, InvalidDropURL, is_drop_id, new_drop_id, parse_server_url

DROP_ID = "1234567890123456789012345678901234567891234"

SERVER_URLS = {
    "https://drop.example": "https://drop.example",
    "https://drop.example/": "https://drop.example",
    "HTTPS://Drop.Example:443/A/b": "https://drop.example/A/b",
    "http://127.0.0.1:5000": "http://127.0.0.1:5000",
    "http://localhost:80/": "http://localhost",
    "http://localhost:443": "http://localhost:443",
    "https://drop.example:08443": "https://drop.example:8443",
    "https://[::1]:8080/d": "https://[::1]:8080/d",
    "https://[0:0::1]": "https://[::1]",
    "https://Drop.Example.": "https://drop.example",
    "https://drop.example.:443/a": "https://drop.example/a",
    "http://localhost.": "http://localhost",
    "http://127.0.0.1.:5000": "http://127.0.0.1:5000",
    "https://xn--mller-kva.example/~a/%C3%A4": "https://xn--mller-kva.example/~a/%C3%A4",
}

BAD_SERVER_URLS = [
    "",
    "drop.example",
    "ftp://drop.example",
    "https://",
    "https:///x",
    "https://drop.example//",
    "https://drop.example/a//b",
    "https://drop.example/a/../b",
    "https://drop.example/?x=1",
    "https://drop.example/#x",
    "https://user@drop.example",
    "https://user:pass@drop.example",
    "https://drop.example:0",
    "https://drop.example:65536",
    "https://drop.example:",
    "https://drop.example:+80",
    "https://-drop.example",
    "https://drop..example",
    "https://drop.example..",
    "https://.",
    "https://[::1].",
    "https://" + "a" * 64 + ".example",
    "https://" + "a." * 130 + "example",
    "https://1.2.3",
    "https://1.2.3.256",
    "https://[::g]",
    "https://[::1",
    "https://müller.example",
    "https://drop.example/ä",
    "https://drop.example/a b",
    "https://drop.example/%zz",
    "https://drop.example/\n",
    " https://drop.example",
    "https://drop.example\r\nX: y",
    "https://drop.example/" + "a" * 2048,
]


@pytest.mark.parametrize(("text", "normal"), SERVER_URLS.items())
def test_server_url_has_one_normal_form(text: str, normal: str) -> None:
    """Different spellings have the same normal form, which is its own normal form."""
    assert parse_server_url(text) == normal
    assert parse_server_url(normal) == normal


@pytest.mark.parametrize("text", BAD_SERVER_URLS)
def test_what_is_no_server_url_is_refused(text: str) -> None:
    """Anything but an http or https URL with host, port and path is rejected."""
    with pytest.raises(InvalidDropURL):
        parse_server_url(text)


@given(st.text() | st.text(alphabet="htps:/[].0123456789@?#%aA-_ ", max_size=40))
def test_no_text_breaks_the_parsers(text: str) -> None:
    """Any text yields a URL that survives a round trip, or raises InvalidDropURL."""
    for candidate in (text, f"https://{text}", f"https://drop.example/{text}/{DROP_ID}"):
        with contextlib.suppress(InvalidDropURL):
            url = DropURL.parse(candidate)
            assert DropURL.parse(str(url)) == url
        with contextlib.suppress(InvalidDropURL):
            normal = parse_server_url(candidate)
            assert parse_server_url(normal) == normal


def test_drop_url_has_a_server_and_a_drop_id() -> None:
    """The last path segment is the drop id; the rest is the server's URL."""
    url = DropURL.parse(f"HTTPS://Drop.Example:443/a/{DROP_ID}")
    assert (url.server, url.drop_id) == ("https://drop.example/a", DROP_ID)
    assert str(url) == f"https://drop.example/a/{DROP_ID}"
    assert url == DropURL("https://drop.example/a/", DROP_ID)
    assert hash(url) == hash(DropURL.parse(str(url)))


@pytest.mark.parametrize(
    "end",
    [
        "",
        "/",
        DROP_ID[:-1],
        f"{DROP_ID}0",
        f"{DROP_ID}/",
        f"{DROP_ID}?x",
        f"{DROP_ID}#x",
        f"{DROP_ID}\n",
        f"/{DROP_ID}",
        f"{DROP_ID[:-1]}+",
        f"{DROP_ID[:-1]}=",
        f"{DROP_ID[:-1]}ä",
    ],
)
def test_url_without_a_drop_id_at_its_end_is_refused(end: str) -> None:
    """A drop URL must end in exactly 43 characters of URL-safe Base64."""
    with pytest.raises(InvalidDropURL):
        DropURL.parse(f"https://drop.example/{end}")


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_", min_size=43, max_size=43))
def test_drop_id_need_not_be_canonical_base64(text: str) -> None:
    """The unused bits of the last character may be set, as in drops on deployed servers."""
    assert is_drop_id(text)
    assert DropURL("https://drop.example", text).drop_id == text


def test_nothing_shows_the_drop_id() -> None:
    """The repr shows only the server's host, and errors do not quote the text."""
    assert repr(DropURL("https://drop.example:8443/a", DROP_ID)) == "<DropURL on drop.example:8443>"
    with pytest.raises(InvalidDropURL) as caught:
        DropURL.parse(f"https://drop.example/{DROP_ID}x")
    assert DROP_ID not in str(caught.value)
    assert "A-Z" in str(caught.value)


@given(st.integers(min_value=1, max_value=256), st.binary(min_size=32, max_size=32))
def test_drop_id_has_as_many_random_bits_as_asked_for(bits: int, noise: bytes) -> None:
    """Unused bits are zero, whatever the random source returns."""
    drop_id = new_drop_id(bits, lambda size: noise[:size])
    assert is_drop_id(drop_id)
    number = int.from_bytes(base64.urlsafe_b64decode(drop_id + "="))
    assert number == int.from_bytes(noise) >> (256 - bits) << (256 - bits)


@pytest.mark.parametrize("bits", [0, -1, 257])
def test_drop_id_with_an_impossible_number_of_bits_is_refused(bits: int) -> None:
    """A number of bits outside 1 to 256 is rejected."""
    with pytest.raises(ValueError, match="1 to 256"):
        new_drop_id(bits)


def test_new_drops_differ() -> None:
    """Each new drop has a different id from the system's random source."""
    assert DropURL.on_server("https://drop.example/") != DropURL.on_server("https://drop.example/")


@pytest.mark.parametrize(
    ("server", "name"),
    [
        ("https://drop.example", "drop.example"),
        ("https://drop.example:8443/x", "drop.example"),
        ("http://[::1]:80", "[::1]"),
        ("https://[2001:db8::1]", "[2001:db8::1]"),
        ("https://[2001:db8::1]:444", "[2001:db8::1]"),
    ],
)
def test_name(server: str, name: str) -> None:
    """The name of a server's host is without the port."""
    assert DropURL(server, "A" * 43).name == name


@pytest.mark.parametrize(("bits", "is_shared"), [(12, True), (24, True), (192, True), (256, False)])
def test_what_may_be_shared_by_chance(bits: int, is_shared: bool) -> None:
    """A drop is shared if its id has 64 zero bits at its end, as ids with few random bits have."""
    url = DropURL.on_server("https://drop.example", bits=bits, random=lambda n: b"\xff" * n)
    assert url.is_shared is is_shared
