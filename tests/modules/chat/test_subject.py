"""What the routes of chat share."""

from qabel.modules.chat.module import module
from qabel.modules.chat.subject import reference, routes


def test_every_route_is_there() -> None:
    """The declaration has the routes of all parts, each with its scope."""
    assert module.routes is routes
    scopes = {each.name: sorted(each.scopes) for each in routes.all}
    conversation = "/chat/conversations/<hex:conversation>"
    request = "/chat/requests/<hex:request_id>"
    assert scopes == {
        "GET /chat/conversations": ["chat:read"],
        "POST /chat/conversations": ["chat:read", "chat:send"],
        f"PATCH {conversation}": ["chat:read"],
        f"PUT {conversation}/read": ["chat:read"],
        f"DELETE {conversation}": ["delete"],
        f"GET {conversation}/export": ["chat:read"],
        f"GET {conversation}/messages": ["chat:read"],
        f"POST {conversation}/messages": ["chat:send"],
        "GET /chat/unread": ["chat:read"],
        "GET /chat/messages/<id:message_id>": ["chat:read"],
        "DELETE /chat/messages/<id:message_id>": ["delete"],
        "POST /chat/messages/<id:message_id>/retry": ["chat:send"],
        "GET /chat/requests": ["chat:read"],
        "GET /chat/search": ["chat:read"],
        f"POST {request}/accept": ["contacts"],
        f"POST {request}/ignore": ["contacts"],
        f"POST {request}/block": ["contacts"],
    }


def test_references_are_required() -> None:
    """Who is meant cannot be left out."""
    assert reference("An id.").required
