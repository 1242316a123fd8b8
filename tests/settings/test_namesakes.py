"""Contacts that a reader may take for each other."""

import pytest
from attrs import evolve

from qabel.settings.namesakes import comparable_alias, known_by_name, namesake
from tests.core.items import contact

FIRST, SECOND, THIRD = (
    contact(10 + number, 1, id=9 - number, created=number, alias="Bob") for number in (1, 2, 3)
)
ALL = (THIRD, FIRST, SECOND)


def test_who_is_known_by_a_name() -> None:
    """It is the one that was verified first, or else the one that was there first."""
    assert known_by_name([]) is None
    assert known_by_name(ALL) == FIRST
    third = evolve(THIRD, verified=7)
    assert known_by_name((FIRST, evolve(SECOND, verified=8), third)) == third


def test_who_is_pointed_out() -> None:
    """All but the one that is known by the name are, until the user has looked at them."""
    assert [namesake(each, ALL) for each in (FIRST, SECOND, THIRD)] == [None, FIRST, FIRST]
    assert namesake(evolve(SECOND, alias_checked=True), ALL) is None
    verified = evolve(THIRD, verified=7)
    of_verified = (FIRST, SECOND, verified)
    assert [namesake(each, of_verified) for each in of_verified] == [verified, verified, None]


@pytest.mark.parametrize(
    ("alias", "other", "is_same"),
    [
        ("Bob", "bob", True),
        ("Bob", " Bob\t", True),
        ("Bob B", "Bob  B", True),
        ("Bob", "B\u200bob", True),
        ("Bob", "\uff22ob", True),
        ("Stra\u00dfe", "STRASSE", True),
        ("BOB", "\u0412\u043eb", True),
        ("\u0412\u0415\u0420\u0410", "\u0432\u0435\u0440\u0430", True),
        ("Nina", "\u039dina", True),
        ("Bob", "Rob", False),
        ("Bob", "Bo b", False),
        ("Bob", "", False),
    ],
)
def test_aliases_that_look_the_same(alias: str, other: str, is_same: bool) -> None:
    """Letter case, blanks, width, invisible characters and other alphabets make no other name."""
    assert (comparable_alias(alias) == comparable_alias(other)) is is_same
