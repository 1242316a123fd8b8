"""What all front ends agree on: the first says it, others take it, and changes are for all."""

from typing import Any

import pytest
from attrs import evolve

from qabel.dropserver.message_values import DAY, MEGABYTE, Retention
from qabel.dropserver.postgresql.configuration import agree, change, read_retention
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.schema import VERSION, bring_up_to_date
from qabel.dropserver.wanted import Wanted
from qabel.host.start_errors import StartError

WANTED = Wanted(lifetime=3 * DAY, quota=50 * MEGABYTE, drop_id_bits=16)


def agreed(url: str, wanted: Wanted) -> Retention:
    """Agree as a front end does that starts."""
    link = DatabaseLink(url)
    with link.use() as connection:
        bring_up_to_date(connection)
        found = agree(connection, VERSION, wanted)
    link.close()
    return found


def test_the_first_says_it(database: str) -> None:
    """Others may say the same, or nothing."""
    first = agreed(database, WANTED)
    assert first == WANTED.retention
    assert agreed(database, WANTED) == first
    assert agreed(database, Wanted()) == first


def test_the_first_has_to_say_how_much(database: str) -> None:
    """How much the database may take cannot be guessed."""
    with pytest.raises(StartError, match="--quota is needed the first time"):
        agreed(database, Wanted(lifetime=DAY))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"lifetime": DAY}, r"--lifetime 1 is not what the database says \(3\)"),
        ({"quota": MEGABYTE}, r"--quota 1 is not what the database says \(50\)"),
        ({"drop_quota": 5}, r"--drop-quota 5 is not what the database says \(nothing\)"),
        ({"drop_id_bits": 20}, r"--drop-id-bits 20 is not what the database says \(16\)"),
    ],
)
def test_others_must_not_contradict(database: str, other: dict[str, Any], said: str) -> None:
    """Who wants something else is told what there is, and how to change it."""
    agreed(database, WANTED)
    with pytest.raises(StartError, match=said) as caught:
        agreed(database, evolve(WANTED, **other))
    assert "qabel-drop configure --" in str(caught.value)


def test_changes_are_for_all(database: str) -> None:
    """What is given is changed, and the rest stays."""
    agreed(database, WANTED)
    with DatabaseLink(database).use() as connection:
        change(connection, Wanted(drop_quota=5))
        found = read_retention(connection)
    assert found == evolve(WANTED.retention, drop_quota=5)
    assert agreed(database, Wanted()) == found
