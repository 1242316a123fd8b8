"""The warning about contacts with the name of another one."""

import io

import pytest

from qabel.cli.context import Session
from qabel.cli.output import Output
from qabel.cli.same_alias import warn_of_same_alias, warn_of_stranger
from tests.cli.conftest import QabelCommand


@pytest.mark.parametrize("verified", [0, 9])
def test_the_known_one_is_named(verified: int) -> None:
    """The warning names the contact that is known by the name, and says if it is verified."""
    err = io.StringIO()
    session = Session({}, Output(False, io.StringIO(), err))
    known = {"id": 3, "verified": verified}
    warn_of_same_alias(session, {"alias": "Bob", "id": 9, "namesake": known})
    assert "id 3" in err.getvalue()
    assert ("you have verified" in err.getvalue()) == bool(verified)


@pytest.mark.parametrize("contact", [{}, {"namesake": None}])
def test_no_warning(contact: dict[str, None]) -> None:
    """Nothing is said of a contact that nobody is taken for."""
    err = io.StringIO()
    warn_of_same_alias(Session({}, Output(False, io.StringIO(), err)), contact)
    assert err.getvalue() == ""


def test_a_stranger() -> None:
    """A stranger with the name of a contact is pointed out, and others are not."""
    err = io.StringIO()
    session = Session({}, Output(False, io.StringIO(), err))
    request = {"id": "0123456789abcdef", "alias": "Bob", "namesake": None}
    warn_of_stranger(session, request)
    assert err.getvalue() == ""
    warn_of_stranger(session, {**request, "namesake": {"id": 3, "verified": 9}})
    assert "(request 01234567)" in err.getvalue()
    assert "id 3, whom you have verified" in err.getvalue()


def test_the_warning_is_dismissed(alice: QabelCommand) -> None:
    """It is shown with the contact and in the list until it is dismissed."""
    url = f"http://drop.example/{'b' * 43}"
    made = alice.json("contact", "add", "BOB", "2b" * 32, url)[0]
    ref = f"id:{made['id']}"
    assert "another key" in alice("contact", "list").err
    assert "another key" in alice("contact", "show", ref).err
    assert alice("contact", "dismiss", ref).exit_status == 0
    assert "another key" not in alice("contact", "list").err
    assert "another key" not in alice("contact", "show", ref).err
    alice("contact", "delete", ref, "--yes")
