"""Names that people choose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.forms.alias import Alias, check_alias, check_alias_in, visible_alias
from qabel.forms.errors import InvalidInput


@pytest.mark.parametrize(
    "name",
    [
        "Alice",
        "1",
        "id:1",
        "Zoë 世界",
        "👨\u200d👩\u200d👧",
        "ی\u200cخ",
        "e\u0301",
        " A ",
        "שלום",
    ],
)
def test_names(name: str) -> None:
    """A name may be in any script, with the joiners that it needs."""
    assert Alias().read(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "\t", "\n", "\u00a0\u3000", "\u200b\u2060", "\u0301", "\u3164", "\x00"]
)
def test_blank(name: str) -> None:
    """A name that shows nothing is refused."""
    with pytest.raises(InvalidInput, match="must not be blank"):
        Alias().read(name)


@pytest.mark.parametrize(
    "name", ["a\nb", "\x1b[31mred", "a\tb", "a\u2028b", "\u202eecilA", "a\x9bm"]
)
def test_control_characters(name: str) -> None:
    """A name does not move the cursor, begin a line or reverse the text after it."""
    with pytest.raises(InvalidInput, match="control characters"):
        Alias().read(name)


@pytest.mark.parametrize("value", [None, 5, "x" * 8193, "\ud800x"])
def test_other_values(value: object) -> None:
    """What is no text of a document is no name either."""
    with pytest.raises(InvalidInput):
        Alias().read(value)


@given(st.text(alphabet=st.characters(categories=["L", "N", "S", "P"]), min_size=1))
def test_letters_are_kept(name: str) -> None:
    """Letters, numbers and symbols that are seen make a name."""
    if not set(name) <= set("\u115f\u1160\u2800\u3164\uffa0"):
        assert Alias().read(name) == name


def test_key() -> None:
    """The error of a check is that of the key alias; what is no text is left to other checks."""
    for check in (lambda: check_alias(" "), lambda: check_alias_in({"alias": " "})):
        with pytest.raises(InvalidInput) as raised:
            check()
        assert [str(each) for each in raised.value.errors] == ["alias: must not be blank"]
    check_alias_in({"alias": 5})
    check_alias_in({"email": ""})


@pytest.mark.parametrize(
    ("alias", "shown"),
    [("Bob", "Bob"), (" Bob\n", " Bob\n"), ("", "abcdef01"), (" \t\u2800", "abcdef01")],
)
def test_a_name_that_nobody_could_see(alias: str, shown: str) -> None:
    """A name out of a file is taken as it is, unless it shows nothing: then the key names it."""
    assert visible_alias(alias, "abcdef0123" * 6) == shown
