"""Responses as values."""

import pytest

from qabel.contract.reply import Reply, created, file_reply, json_reply, versioned


def test_value_is_sent_as_json() -> None:
    """The status and the headers are optional."""
    assert json_reply({"a": "ü"}) == Reply(200, '{"a":"ü"}'.encode(), b"application/json")
    assert json_reply([], 202, ((b"A", b"b"),)) == Reply(
        202, b"[]", b"application/json", ((b"A", b"b"),)
    )


def test_new_resource_has_a_location() -> None:
    """The response to its creation is 201 with its value."""
    assert created(5, "/things/1") == Reply(
        201, b"5", b"application/json", ((b"Location", b"/things/1"),)
    )


def test_file_has_a_name_to_save_it_under() -> None:
    """Browsers do not display the file, but save it."""
    reply = file_reply(b"\0", b"application/octet-stream", "a.qco")
    assert (reply.status, reply.body, reply.content_type) == (
        200,
        b"\0",
        b"application/octet-stream",
    )
    assert reply.headers == ((b"Content-Disposition", b'attachment; filename="a.qco"'),)


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', '"0", "1"', "*"])
def test_version_that_the_client_has_is_not_sent_again(header: str) -> None:
    """The response has the version, but no body."""
    assert versioned(b"{}", '"1"', header) == Reply(304, b"", None, ((b"ETag", b'"1"'),))


@pytest.mark.parametrize("header", [None, '"0"', ""])
def test_version_that_the_client_does_not_have_is_sent(header: str | None) -> None:
    """The response has the document and its version."""
    assert versioned(b"{}", '"1"', header) == Reply(
        200, b"{}", b"application/json", ((b"ETag", b'"1"'),)
    )


def test_body_is_not_shown() -> None:
    """What a response contains does not get into logs."""
    assert "secret" not in repr(json_reply("secret"))
