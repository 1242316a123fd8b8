"""Views of what a server sees."""

from tests.anonymity.recording import PUSH, Exchange, View


def test_views_are_ordered_and_indexed() -> None:
    """A view has exchanges in order, and the drops that were read over each connection."""
    exchanges = [
        Exchange(1, "GET", "b", 2.0, 2.5, 304),
        Exchange(1, "GET", "a", 1.0, 1.5, 304),
        Exchange(2, PUSH, "a", 3.0, 3.5, 101),
        Exchange(1, "POST", "b", 4.0, 4.5, 200),
        Exchange(1, "POST", "b", 5.0, 5.5, 503),
    ]
    view = View.of(exchanges, "ab")
    assert [each.began for each in view.exchanges] == [1, 2, 3, 4, 5]
    assert view.drops_of == {1: {"a": 1, "b": 1}, 2: {"a": 1}}
    assert [each.began for each in view.reads] == [1, 2]
    assert [each.began for each in view.postings] == [4]
    assert view.times("GET", PUSH) == {"a": [1, 3], "b": [2]}


def test_a_part_knows_what_connections_were_used_for_before() -> None:
    """A view of some time has only what began then, but the connections of all times."""
    view = View.of([Exchange(1, "GET", "a", 1.0), Exchange(1, "POST", "b", 2.0)], "ab")
    part = view.between(2.0, 3.0)
    assert [each.method for each in part.exchanges] == ["POST"]
    assert part.drops_of == {1: {"a": 1}}


def test_without_a_response_a_request_is_over_at_once() -> None:
    """The end of an exchange without a response is its beginning."""
    assert Exchange(1, "GET", "a", 1.0).over == 1.0
    assert Exchange(1, "GET", "a", 1.0, 2.0).over == 2.0
