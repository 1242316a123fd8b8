"""The values of a block server: names, versions, and what clients expect to be there."""

import pytest

from qabel.blockserver.block_values import (
    BlockAccount,
    BlockRefused,
    Conditions,
    ObjectPath,
    StoredObject,
    is_name,
    is_prefix,
    parse_tags,
)

THERE = StoredObject("0123abcd", 7)
ETAG = '"0123abcd"'

DIFFERS = "If-Match ETag did not match stored object"
MISSING = "If-Match ETag did not match: object does not exist."
MATCHES = "If-None-Match ETag matches stored object"


@pytest.mark.parametrize("text", ["a", "A-z_09", "blocks/0/x", "a//b", "/", "x" * 1000])
def test_names(text: str) -> None:
    """Letters, digits, dashes, underscores and slashes; the length is looked at elsewhere."""
    assert is_name(text)


@pytest.mark.parametrize("text", ["", ".", "a.b", "a b", "a\n", "%41", "\u00e4", "\u0661", "a\0"])
def test_what_is_no_name(text: str) -> None:
    """Nothing that an URL would have to escape, and nothing that leads out of a folder."""
    assert not is_name(text)
    assert not is_prefix(text)


def test_prefixes() -> None:
    """They are like names, but without slashes, and not too long."""
    assert is_prefix("0123-abcd_EF")
    assert is_prefix("x" * 255)
    assert not is_prefix("x" * 256)
    assert not is_prefix("a/b")


def test_paths_and_versions() -> None:
    """As clients get them."""
    assert ObjectPath("prefix", "blocks/a").text == "prefix/blocks/a"
    assert THERE.etag == ETAG


def test_the_name_in_the_storage_is_not_shown() -> None:
    """A log does not say which file an object is."""
    assert THERE.object not in repr(THERE)


def test_a_new_account() -> None:
    """It has no objects, and is not revoked."""
    account = BlockAccount(1, "anna", 10, 0)
    assert (account.objects, account.is_revoked) == (0, False)


def test_a_refusal() -> None:
    """It says what the response says."""
    refused = BlockRefused(412, "no", ETAG)
    assert (refused.status, refused.text, refused.etag, str(refused)) == (412, "no", ETAG, "no")
    assert BlockRefused(403, "no").etag is None


@pytest.mark.parametrize(
    ("headers", "tags"),
    [
        (None, None),
        ([], ()),
        (["*"], ("*",)),
        ([ETAG], (ETAG,)),
        (['"a","b" , "c"'], ('"a"', '"b"', '"c"')),
        (['"a"', ' W/"b" ,"c"'], ('"a"', 'W/"b"', '"c"')),
        ([""], ("",)),
    ],
)
def test_tags(headers: list[str] | None, tags: tuple[str, ...] | None) -> None:
    """Of all headers of that name, in their order; without a header there is no condition."""
    assert parse_tags(headers) == tags


@pytest.mark.parametrize("there", [None, THERE])
def test_without_conditions(there: StoredObject | None) -> None:
    """Anything may be there, or nothing."""
    Conditions().check(there)


@pytest.mark.parametrize("tags", [(ETAG,), ("*",), ('"other"', ETAG)])
def test_if_match(tags: tuple[str, ...]) -> None:
    """One of the versions must be there, or any for a star; where nothing is, it is refused."""
    conditions = Conditions(if_match=tags)
    conditions.check(THERE)
    with pytest.raises(BlockRefused) as raised:
        conditions.check(None)
    assert (raised.value.status, raised.value.text, raised.value.etag) == (412, MISSING, None)


@pytest.mark.parametrize("tags", [('"other"',), (), ("0123abcd",), (f"W/{ETAG}",), ("",)])
def test_if_match_of_others(tags: tuple[str, ...]) -> None:
    """Versions are the same only if their texts are; a client is told which one is there."""
    with pytest.raises(BlockRefused) as raised:
        Conditions(if_match=tags).check(THERE)
    assert (raised.value.status, raised.value.text, raised.value.etag) == (412, DIFFERS, ETAG)


@pytest.mark.parametrize("tags", [(ETAG,), ("*",), ('"other"', ETAG)])
def test_if_none_match(tags: tuple[str, ...]) -> None:
    """None of the versions may be there, for a star nothing at all."""
    conditions = Conditions(if_none_match=tags)
    conditions.check(None)
    with pytest.raises(BlockRefused) as raised:
        conditions.check(THERE)
    assert (raised.value.status, raised.value.text, raised.value.etag) == (412, MATCHES, ETAG)


@pytest.mark.parametrize("tags", [('"other"',), (), (f"W/{ETAG}",)])
def test_if_none_match_of_others(tags: tuple[str, ...]) -> None:
    """Another version may be there, or nothing."""
    Conditions(if_none_match=tags).check(THERE)
    Conditions(if_none_match=tags).check(None)


def test_both_conditions() -> None:
    """Both must be met."""
    Conditions((ETAG,), ('"other"',)).check(THERE)
    with pytest.raises(BlockRefused, match=MATCHES):
        Conditions((ETAG,), ("*",)).check(THERE)
    with pytest.raises(BlockRefused, match=DIFFERS):
        Conditions(('"other"',), ('"other"',)).check(THERE)
