"""The tokens of closed groups: which request has which, and what is said of a rejection."""

import pytest

from qabel.drop.url import DropURL
from qabel.net.group_tokens import GroupTokens, not_admitted
from tests.net.servers import DROP_ID

TOKEN, OTHER = "correct-horse-battery", "another-secret-token"
SERVER = "https://drop.example/group"


def url(server: str) -> DropURL:
    """Return a drop on a server."""
    return DropURL.parse(f"{server}/{DROP_ID}")


def test_only_the_server_itself_gets_it() -> None:
    """No other path, port, scheme or host does, however alike the URL begins."""
    tokens = GroupTokens()
    tokens.set({SERVER: TOKEN})
    assert tokens.get(url(SERVER)) == TOKEN
    assert tokens.get(url("HTTPS://Drop.example:443/group")) == TOKEN
    for other in (
        "https://drop.example",
        "https://drop.example/Group",
        "https://drop.example/group/more",
        "https://drop.example/groups",
        "https://drop.example:8443/group",
        "http://drop.example/group",
        "https://drop.example.evil.example/group",
        "https://x.drop.example/group",
    ):
        assert tokens.get(url(other)) is None


def test_what_has_changed() -> None:
    """Servers that got a token, another one, or lost theirs are told of."""
    tokens = GroupTokens()
    assert tokens.set({"a": TOKEN, "b": TOKEN, "c": TOKEN}) == {"a", "b", "c"}
    assert tokens.set({"a": TOKEN, "b": OTHER, "d": TOKEN}) == {"b", "c", "d"}
    assert tokens.set({"a": TOKEN, "b": OTHER, "d": TOKEN}) == frozenset()


def test_trying_one() -> None:
    """A drop of a test has its own token for a while, or none; other drops keep theirs."""
    tokens, tried = GroupTokens(), DropURL.on_server(SERVER)
    tokens.set({SERVER: TOKEN})
    for given, sent in ((None, TOKEN), (OTHER, OTHER), ("", None)):
        with tokens.trying(tried, given):
            assert tokens.get(tried) == sent
            assert tokens.get(url(SERVER)) == TOKEN
        assert tokens.get(tried) == TOKEN
    with pytest.raises(ZeroDivisionError), tokens.trying(tried, OTHER):
        raise ZeroDivisionError
    assert tokens.get(tried) == TOKEN


def test_it_is_not_shown() -> None:
    """Nothing that may be logged has it."""
    tokens = GroupTokens()
    tokens.set({SERVER: TOKEN})
    with tokens.trying(url(SERVER), OTHER):
        shown = f"{tokens!r} {tokens}"
    assert not any(each in shown for each in (TOKEN, OTHER))


@pytest.mark.parametrize(
    ("status", "token", "is_post", "said"),
    [
        (401, None, False, "asks for its token (status 401)"),
        (401, None, True, "asks for its token (status 401)"),
        (401, TOKEN, True, "does not accept the group token that is set for it (status 401)"),
        (400, TOKEN, True, "rejects messages with a group token (status 400)"),
        (400, TOKEN, False, None),
        (400, None, True, None),
        (403, TOKEN, True, None),
        (503, None, False, None),
    ],
)
def test_what_is_said(status: int, token: str | None, is_post: bool, said: str | None) -> None:
    """The sentence says what to do about it, and shows neither the token nor the drop."""
    error = not_admitted(url(SERVER), status, token, is_post=is_post)
    assert (error is None) is (said is None)
    if error is not None and said is not None:
        assert said in error.detail
        assert f"(qabel server group-token {SERVER}" in error.detail
        assert ("--remove" in error.detail) is (status == 400)
        assert (error.status, error.permanent, error.retry_after) == (status, False, None)
        assert TOKEN not in error.detail
        assert DROP_ID not in error.detail


def test_a_command_is_safe_to_copy() -> None:
    """The URL may come from a stranger's card: a shell does nothing with it."""
    error = not_admitted(url("https://drop.example/$(reboot);&'x"), 401, None)
    assert error is not None
    assert error.detail.endswith("""group-token 'https://drop.example/$(reboot);&'"'"'x').""")
