"""The URL of the database: where it may stand, what is refused, and that it is not repeated."""

import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.dropserver.database_url import VARIABLE, choose_database
from qabel.host.start_errors import StartError

URL = "postgresql://qabel@localhost/drops"

SECRET = "hush"


def refusal(option: str | None, environ: dict[str, str] | None = None) -> str:
    """Return why a URL is refused."""
    with pytest.raises(StartError) as caught:
        choose_database(option, environ or {})
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_without_one_there_is_a_file() -> None:
    """Neither the option nor the variable has to be there; an empty variable is none."""
    assert choose_database(None, {}) is None
    assert choose_database(None, {VARIABLE: ""}) is None


def test_the_option_or_the_variable() -> None:
    """Either has it; the option wins."""
    assert choose_database(URL, {}) == URL
    assert choose_database(None, {VARIABLE: URL}) == URL
    assert choose_database(URL, {VARIABLE: "postgresql:///other"}) == URL


@pytest.mark.parametrize(
    "url",
    [
        "postgres:///drops?host=/run/postgresql",
        "postgresql://one:5432,two:5433/drops?sslmode=verify-full",
        "postgresql://",
        "postgresql://[::1]:5432/drops",
        "postgresql://qabel@%2Ftmp%2Fx/drops?passfile=/etc/secret",
    ],
)
def test_all_forms(url: str) -> None:
    """Whatever PostgreSQL understands is taken."""
    assert choose_database(url, {}) == url


@pytest.mark.parametrize("password", [f":{SECRET}@", "@"])
def test_a_password_in_the_environment(password: str) -> None:
    """There nobody else can read it."""
    url = f"postgresql://qabel{password}localhost/drops"
    assert choose_database(None, {VARIABLE: url}) == url


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://qabel:{SECRET}@localhost/drops",
        f"postgresql:///drops?password={SECRET}",
        f"postgresql:///drops?sslkey=x&sslpassword={SECRET}",
    ],
)
def test_a_password_on_the_command_line(url: str) -> None:
    """Everybody on the machine can read that: it is refused, with what to do instead."""
    said = refusal(url)
    assert "--database must not have the password" in said
    assert VARIABLE in said


@pytest.mark.parametrize("url", ["drops", "mysql://localhost/drops", "postgresql:/drops", ""])
def test_what_is_no_such_url(url: str) -> None:
    """It is said which of the two is wrong, and what one looks like."""
    assert refusal(url).startswith("--database must be the URL of a PostgreSQL database, such as ")
    if url:
        assert refusal(None, {VARIABLE: url}).startswith(f"${VARIABLE} must be the URL")


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://qabel:{SECRET}/x@localhost/drops",
        f"postgresql://qabel:x%{SECRET}@localhost/drops",
        f"postgresql://localhost/drops?{SECRET}=x",
        f"postgresql://[{SECRET}/drops",
    ],
)
def test_an_invalid_url(url: str) -> None:
    """It is refused before it is used, and not repeated: the password may be in it."""
    for option, environ in ((url, {}), (None, {VARIABLE: url})):
        assert "is not a valid URL" in refusal(option, environ)


@given(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"])))
def test_any_text(text: str) -> None:
    """Anything is taken or refused."""
    for url in (text, f"postgresql://{text}"):
        with suppress(StartError):
            assert choose_database(url, {}) == url


def test_without_psycopg(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is said, and how to get it; without a database it is not missed."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "--database needs psycopg, which is not installed: pip install" in refusal(URL)
    assert refusal(None, {VARIABLE: URL}).startswith(f"${VARIABLE} needs psycopg")
    assert choose_database(None, {}) is None
