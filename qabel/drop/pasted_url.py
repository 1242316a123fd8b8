"""Drop URLs and the URLs of drop servers as people paste them."""

from qabel.drop.pasted import clean_url
from qabel.drop.url import DropURL, InvalidDropURL, parse_server_url

CAPITALS = 8
"""Different capitals, and no other letters, from which a URL in capitals was not written so."""


def parse_drop_url(text: str) -> DropURL:
    """Parse a drop URL, with or without white space, brackets and the like around it.

    Raises InvalidDropURL.
    """
    try:
        url = DropURL.parse(text)
    except InvalidDropURL:
        cleaned = clean_url(text)
        if cleaned == text:
            raise
        url = DropURL.parse(cleaned)
        text = cleaned
    letters = {each for each in text.split("/", 3)[3] if each.isalpha()}
    if text.startswith("HTTP") and text == text.upper() and len(letters) >= CAPITALS:
        raise InvalidDropURL(
            "all its letters were made capitals, but drop ids differ by letter case; copy it again"
        )
    return url


def clean_server_url(text: str) -> str:
    """Return the URL of a drop server without white space, brackets and the like around it.

    A text that is no such URL is returned as it is.
    """
    cleaned = clean_url(text)
    try:
        parse_server_url(cleaned)
    except InvalidDropURL:
        return text
    return cleaned
