"""Queries: each way of narrowing has a cursor of its own."""

from hypothesis import given
from hypothesis import strategies as st

from qabel.core.inbox.message_query import MessageQuery
from qabel.store.inbox.message_rows import Filter

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=5)
IDS = st.none() | st.integers(1, 12)
QUERIES = st.builds(
    MessageQuery,
    consumer=NAMES,
    since=st.none() | st.just("0"),
    limit=st.integers(1, 3),
    identity=IDS,
    contact=IDS,
    model_object=st.none() | st.text("a=1\n", max_size=3),
)


def test_the_default_is_everything() -> None:
    """A query that says nothing has no conditions, and the cursor of the default consumer."""
    assert MessageQuery().filter == Filter()
    assert not MessageQuery().is_narrowed
    assert MessageQuery().name == MessageQuery().consumer == "default"


def test_any_condition_narrows() -> None:
    """A single condition is enough for a cursor of its own, also an id of 0 or an empty kind."""
    for narrowed in (
        MessageQuery(identity=0),
        MessageQuery(contact=0),
        MessageQuery(model_object=""),
    ):
        assert narrowed.is_narrowed
        assert narrowed.name != MessageQuery().name


def test_conditions_reach_the_filter() -> None:
    """The filter has what the query says of messages."""
    query = MessageQuery("reader", identity=1, contact=2, model_object="chat")
    assert query.filter == Filter(identity_id=1, contact_id=2, model_object="chat")


@given(QUERIES, QUERIES)
def test_readers_differ_in_consumer_and_conditions(one: MessageQuery, other: MessageQuery) -> None:
    """Two queries share a cursor if, and only if, consumer and conditions are the same."""
    same = (one.consumer, one.filter) == (other.consumer, other.filter)
    assert (one.name == other.name) == same


@given(QUERIES)
def test_cursor_and_limit_do_not_matter(query: MessageQuery) -> None:
    """From where and how many somebody reads does not make it another reader."""
    again = MessageQuery(
        query.consumer,
        identity=query.identity,
        contact=query.contact,
        model_object=query.model_object,
    )
    assert again.name == query.name
