"""Messages as values: what they are charged, and what is not shown of them."""

from qabel.dropserver.message_values import Post, charge, hash_drop_id

DROP = "A" * 43


def test_what_messages_are_charged() -> None:
    """Each as a whole one at least, with what it takes besides."""
    assert charge(1) == charge(2149) == 2149 + 128
    assert charge(2573) == 2573 + 128


def test_a_post_shows_nothing_secret() -> None:
    """Neither its drop nor what it says stands in a text about it."""
    shown = repr(Post(DROP, b"what it says"))
    assert DROP not in shown
    assert "says" not in shown


def test_the_hash_of_a_drop() -> None:
    """It is the same each time, and another one for each drop."""
    assert hash_drop_id(DROP) == hash_drop_id(DROP) != hash_drop_id("B" * 43)
