"""Messages as values: what they are charged, and what is not shown of them."""

from qabel.dropserver.message_values import (
    DROP_QUOTA,
    MESSAGE_SIZE,
    Post,
    Retention,
    charge,
    hash_drop_id,
)

DROP = "A" * 43


def test_what_messages_are_charged() -> None:
    """Each as a whole one at least, with what it takes besides."""
    assert charge(1) == charge(2149) == 2149 + 128
    assert charge(2573) == 2573 + 128


def test_how_many_messages_one_drop_may_have() -> None:
    """Those of a drop of its own; where people share drops, more; and never others than chosen."""
    quota = 2**30 * charge(MESSAGE_SIZE)
    assert Retention(quota=quota).most_in_drop == DROP_QUOTA
    assert Retention(quota=quota, drop_id_bits=16).most_in_drop == DROP_QUOTA + 4 * 2**14
    assert Retention(quota=quota, drop_id_bits=16, drop_quota=5).most_in_drop == 5


def test_a_post_shows_nothing_secret() -> None:
    """Neither its drop nor what it says stands in a text about it."""
    shown = repr(Post(DROP, b"what it says"))
    assert DROP not in shown
    assert "says" not in shown


def test_the_hash_of_a_drop() -> None:
    """It is the same each time, and another one for each drop."""
    assert hash_drop_id(DROP) == hash_drop_id(DROP) != hash_drop_id("B" * 43)
