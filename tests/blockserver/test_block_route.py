"""Where requests lead: each place, and paths that lead nowhere."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qabel.blockserver.block_route import API, BlockPlace, BlockRoute, parse_target
from qabel.blockserver.block_values import ObjectPath, is_name, is_prefix

NOWHERE = BlockRoute(BlockPlace.NOTHING)

PIECES = st.sampled_from(
    [b"/api/v0", b"/files/", b"/websocket/", b"/prefix/", b"/quota/", b"/", b"a", b"-_", b"?", b"#"]
)
TARGETS = st.one_of(
    st.binary(), st.lists(st.one_of(PIECES, st.binary(max_size=3)), max_size=8).map(b"".join)
)


@pytest.mark.parametrize(
    ("target", "place"),
    [
        (b"/", BlockPlace.FRONT),
        (b"/api/v0/prefix/", BlockPlace.PREFIXES),
        (b"/api/v0/quota/", BlockPlace.QUOTA),
    ],
)
def test_fixed_places(target: bytes, place: BlockPlace) -> None:
    """They have no path in a prefix, and may have a query."""
    assert parse_target(target) == BlockRoute(place)
    assert parse_target(target + b"?a=b?c") == BlockRoute(place, query="a=b?c")


@pytest.mark.parametrize("name", ["a", "blocks/0a-_", "a//b", "/", "a/"])
def test_files(name: str) -> None:
    """What follows the prefix is the name, as it is."""
    route = parse_target(f"{API}/files/0123-ab/{name}?x=1".encode())
    assert route == BlockRoute(BlockPlace.FILE, ObjectPath("0123-ab", name), "x=1")


def test_listings() -> None:
    """A prefix without a name stands for all that is in it."""
    route = parse_target(b"/api/v0/files/0123-ab/?list&after=x")
    assert route == BlockRoute(BlockPlace.LISTING, ObjectPath("0123-ab", ""), "list&after=x")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (b"/api/v0/websocket/0123-ab", ""),
        (b"/api/v0/websocket/0123-ab/a", "a"),
        (b"/api/v0/websocket/0123-ab/a/b", "a/b"),
    ],
)
def test_sockets(target: bytes, name: str) -> None:
    """Of a prefix, or of an object in it."""
    assert parse_target(target) == BlockRoute(BlockPlace.SOCKET, ObjectPath("0123-ab", name))


@pytest.mark.parametrize(
    "target",
    [
        *(b"", b"*", b"//", b"/api/v0", b"/api/v0/", b"/api/v1/quota/", b"/x/api/v0/quota/"),
        *(b"/api/v0/quota", b"/api/v0/prefix", b"/api/v0/quota//", b"/api/v0/files/", b"/API/v0/"),
        *(b"/api/v0/files/a", b"/api/v0/files//a", b"/api/v0/files/%61/a", b"/api/v0/files/a/%61"),
        *(b"/api/v0/files/a/b.c", b"/api/v0/files/a/../b", b"/api/v0/files/a/b\n"),
        *(b"/api/v0/files/a/b c", b"/api/v0/files/\xc3\xa4/b", b"/api/v0/files/a/\xc3\xa4"),
        *(b"/api/v0/websocket/", b"/api/v0/websocket/a/", b"/api/v0/websocket/a/b.c"),
        *(b"/api/v0/files/" + b"p" * 256 + b"/a", b"http://x/api/v0/quota/"),
    ],
)
def test_nowhere(target: bytes) -> None:
    """Other paths, other spellings of the same paths, and names that are none."""
    assert parse_target(target) == NOWHERE


@given(TARGETS)
@example(b"/api/v0/files/a/b?")
@example(b"/api/v0/websocket/a/b\n")
def test_any_bytes_lead_somewhere(target: bytes) -> None:
    """Nothing is raised, and the path of an object is spelled in one way only."""
    route = parse_target(target)
    _, mark, query = target.partition(b"?")
    if route == NOWHERE:
        return
    assert route.query.encode("latin-1") == query
    if route.path.prefix:
        assert is_prefix(route.path.prefix)
        assert is_name(route.path.name) == bool(route.path.name)
        kind = "websocket" if route.place is BlockPlace.SOCKET else "files"
        text = route.path.text
        if route.place is BlockPlace.SOCKET and not route.path.name:
            text = route.path.prefix
        assert f"{API}/{kind}/{text}".encode() + mark + query == target


@given(
    prefix=st.from_regex(r"\A[A-Za-z0-9_-]{1,255}\Z"), name=st.from_regex(r"\A[A-Za-z0-9_/-]+\Z")
)
def test_every_path_can_be_reached(prefix: str, name: str) -> None:
    """Whatever can be stored has a target that leads there."""
    path = ObjectPath(prefix, name)
    assert parse_target(f"{API}/files/{path.text}".encode()) == BlockRoute(BlockPlace.FILE, path)
    assert parse_target(f"{API}/websocket/{path.text}".encode()) == BlockRoute(
        BlockPlace.SOCKET, path
    )
