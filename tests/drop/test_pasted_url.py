"""Drop URLs and the URLs of drop servers as people paste them."""

import pytest

from qabel.drop.pasted_url import clean_server_url, parse_drop_url
from qabel.drop.url import InvalidDropURL

DROP_ID = "AbCdEfGh-0123456789_abcdefghijklmnopqrstuvw"
URL = f"https://drop.example/{DROP_ID}"


def test_drop_url_as_it_is_or_with_something_around_it() -> None:
    """A drop URL is read as it is, or without brackets, quotes and white space around it."""
    for text in (URL, f"<{URL}>", f" {URL}\n", f"`{URL}`,", URL.replace("https://", "HTTPS://")):
        assert str(parse_drop_url(text)) == URL


@pytest.mark.parametrize("text", ["", URL[:-1], f"{URL}x", f"{URL}/", f"{URL}?a=b", f"{URL} {URL}"])
def test_what_is_no_drop_url(text: str) -> None:
    """What is too short, too long, or more than a drop URL is rejected."""
    with pytest.raises(InvalidDropURL):
        parse_drop_url(text)


def test_drop_url_in_capitals_is_another_one() -> None:
    """A URL whose letters were all made capitals is rejected, but capitals alone are no error."""
    with pytest.raises(InvalidDropURL, match="capitals"):
        parse_drop_url(URL.upper())
    for url in ("HTTP://DROP.EXAMPLE/" + "A" * 43, f"https://drop.example/{DROP_ID.upper()}"):
        assert parse_drop_url(url).drop_id == url[-43:]


def test_server_url_with_something_around_it() -> None:
    """What is around a server's URL is taken away; a text that is none stays as it is."""
    for text in (
        "https://drop.example/a",
        "<https://drop.example/a>.",
        "URL: https://drop.example/a",
    ):
        assert clean_server_url(text) == "https://drop.example/a"
    assert clean_server_url("<drop.example>") == "<drop.example>"
