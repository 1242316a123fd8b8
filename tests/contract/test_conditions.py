"""Conditional requests: which versions a header matches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.contract.conditions import matches

TAGS = st.text("abc123-", max_size=5).map(lambda text: f'"{text}"')


@given(st.lists(TAGS, min_size=1), TAGS)
def test_version_matches_if_it_is_in_the_list(tags: list[str], etag: str) -> None:
    """Spaces around the commas do not matter."""
    assert matches(",".join(tags), etag) is (etag in tags)
    assert matches(" , ".join(tags), etag) is (etag in tags)


@pytest.mark.parametrize(
    ("header", "strong", "weak"),
    [
        ("*", True, True),
        ('"a", *', True, True),
        ('"1"', True, True),
        ('W/"1"', False, True),
        ('"0", W/"1"', False, True),
        ('W/"0"', False, False),
        ("1", False, False),
        ("", False, False),
    ],
)
def test_weak_tags_match_only_if_they_may(header: str, strong: bool, weak: bool) -> None:
    """A strong comparison needs a strong tag; ``*`` matches any version."""
    assert matches(header, '"1"') is strong
    assert matches(header, '"1"', weak=True) is weak
