"""Routes: how they are declared, whom they admit, and what they say to others."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.contract.access import EVERYTHING, NOBODY, SCOPES, Access, OneIdentity
from qabel.contract.reply import NO_CONTENT, Reply
from qabel.contract.routes import Route, Routes
from qabel.forms.compound import Key
from qabel.forms.plain import Flag


def route(scopes: Iterable[str], *, for_one_identity: bool = False) -> Route:
    """Return a route that needs one of the scopes."""
    routes = Routes("Things")
    declare = routes.add(
        "GET",
        "/things",
        "List things",
        scopes=scopes,
        answers={200: "Things."},
        for_one_identity=for_one_identity,
    )
    declare(lambda: NO_CONTENT)
    [found] = routes.all
    return found


def test_routes_are_collected_in_the_order_of_their_handlers() -> None:
    """A handler stays what it is, and can have more than one route."""
    routes = Routes("Things")

    @routes.add("GET", "/things", "List things", scopes={"read"}, answers={200: "Things."})
    @routes.add("PUT", "/things", "Set things", scopes={"settings"}, answers={204: "Set."})
    def things() -> Reply:
        return NO_CONTENT

    assert things() is NO_CONTENT
    assert [each.name for each in routes.all] == ["PUT /things", "GET /things"]
    assert all(each.handler is things for each in routes.all)
    assert routes.all[1].scopes == frozenset({"read"})


def test_subjects_do_not_share_routes() -> None:
    """Each subject has a list of its own."""
    first, second = Routes("First"), Routes("Second")
    first.add("GET", "/", "Read", scopes=(), answers={})(lambda: None)
    assert second.all == []


def test_query_is_made_of_its_keys() -> None:
    """A route without query allows no parameters."""
    routes = Routes("Things")
    key = Key(Flag(), False)
    add = routes.add("GET", "/", "Read", scopes=(), answers={}, query={"all": key})
    add(lambda: None)
    assert routes.all[0].query.read_texts({}) == {"all": False}
    assert route({"read"}).query.keys == {}


@given(st.sets(st.sampled_from(SCOPES)), st.sets(st.sampled_from(SCOPES)))
def test_one_of_the_scopes_is_enough(needed: set[str], given_scopes: set[str]) -> None:
    """The scope admin includes all others."""
    admitted = route(needed).admits(Access(frozenset(given_scopes)))
    assert admitted is bool("admin" in given_scopes or needed & given_scopes)


@pytest.mark.parametrize(
    ("scopes", "parameters", "admitted"),
    [
        ({"contacts"}, [], True),
        ({"contacts"}, ["other"], True),
        ({"contacts"}, ["purge"], False),
        ({"keys"}, [], False),
        ({"keys"}, ["purge"], True),
        ({"keys"}, ["purge", "of"], False),
        ({"contacts", "keys"}, ["of"], False),
        ({"admin"}, ["purge", "of"], True),
    ],
)
def test_a_parameter_may_need_another_scope(
    scopes: set[str], parameters: list[str], admitted: bool
) -> None:
    """Its scopes are needed instead of the route's own; with none, only admins may use it."""
    routes = Routes("Things")
    instead = {"purge": {"keys"}, "of": ()}
    declare = routes.add("DELETE", "/x", "Delete", scopes={"contacts"}, answers={}, instead=instead)
    declare(lambda: NO_CONTENT)
    assert routes.all[0].admits(Access(frozenset(scopes)), parameters) is admitted


def test_forbidden_states_what_the_parameters_need() -> None:
    """The user learns which scopes are enough for the request as it was made."""
    routes = Routes("Things")
    instead = {"purge": {"keys"}}
    routes.add("DELETE", "/x", "Delete", scopes={"contacts"}, answers={}, instead=instead)(
        lambda: NO_CONTENT
    )
    assert "the scope admin or contacts," in routes.all[0].forbidden()
    assert "the scope admin or keys," in routes.all[0].forbidden(["purge"])


def test_callers_without_a_token_are_not_admitted() -> None:
    """The main token is admitted everywhere."""
    assert not route(SCOPES).admits(NOBODY)
    assert route({"admin"}).admits(EVERYTHING)


def test_token_for_one_identity_is_admitted_only_where_the_route_restricts_it() -> None:
    """Elsewhere its scopes do not matter."""
    access = Access(frozenset({"read"}), identity=OneIdentity(1, b"key"))
    assert not route({"read"}).admits(access)
    assert route({"read"}, for_one_identity=True).admits(access)
    assert not route({"send"}, for_one_identity=True).admits(access)


@pytest.mark.parametrize(
    ("scopes", "for_one_identity", "text"),
    [
        ({"admin"}, True, "This needs a token with the scope admin."),
        ({"send"}, True, "This needs a token with the scope admin or send."),
        ({"send", "read"}, True, "This needs a token with the scope admin, read or send."),
        (
            {"read"},
            False,
            "This needs a token with the scope admin or read, not limited to a single identity.",
        ),
    ],
)
def test_forbidden_states_which_token_is_needed(
    scopes: set[str], for_one_identity: bool, text: str
) -> None:
    """The user learns which scopes are enough."""
    assert route(scopes, for_one_identity=for_one_identity).forbidden() == text
