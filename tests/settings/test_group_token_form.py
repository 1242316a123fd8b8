"""The form of group tokens."""

import pytest

from qabel.forms.errors import InvalidInput
from qabel.settings.group_token_form import GroupTokenForm
from qabel.settings.items import DropServer
from qabel.settings.stored import reading_stored
from qabel.settings.synced import SYNCED, SyncedSettings

FORM = GroupTokenForm()


@pytest.mark.parametrize("token", ["", "secret", "Zm9v+/=="])
def test_a_token(token: str) -> None:
    """A token, or none, is kept as it is."""
    assert FORM.write(FORM.read(token)) == token


@pytest.mark.parametrize("text", ["Client secret-token", "secret\r\nX: y", "geheimnisträger"])
def test_what_is_none(text: str) -> None:
    """What does not fit in the header is refused, and not quoted; older versions stored it."""
    with pytest.raises(InvalidInput, match="must be the token alone") as error:
        FORM.read(text)
    assert "secret" not in str(error.value)
    with reading_stored():
        assert FORM.read(text) == text
    with pytest.raises(InvalidInput, match="at most 512"):
        FORM.read("x" * 513)


def servers(*items: tuple[str, str, bool]) -> SyncedSettings:
    """Return a document with drop servers, each with a token, and whether it is there."""
    return SyncedSettings(
        drop_servers=tuple(
            DropServer(
                id=number,
                created=1,
                updated=1,
                deleted=0 if living else 2,
                url=url,
                auth=auth,
                active=False,
            )
            for number, (url, auth, living) in enumerate(items)
        )
    )


def test_the_tokens_of_a_document() -> None:
    """Those of servers in the list, active or not, by their URLs in normal form."""
    found = servers(
        ("https://One.example/", "one", True),
        ("https://two.example", "", True),
        ("https://two.example/", "two", True),
        ("https://two.example", "another", True),
        ("https://gone.example", "gone", False),
        ("https://old.example", "Bearer of an older version", True),
    )
    assert found.group_tokens == {"https://one.example": "one", "https://two.example": "two"}
    assert "two" not in repr(found.drop_servers[2]).replace("https://two.example", "")


def test_in_the_document() -> None:
    """The error names the key."""
    with pytest.raises(InvalidInput) as error:
        SYNCED.parse({"drop_servers": [{"url": "https://a.example", "auth": "Client x"}]}, now=1)
    assert [each.key for each in error.value.errors] == ["drop_servers[0].auth"]
