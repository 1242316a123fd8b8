"""``/settings`` and ``/synced``: the two settings documents."""

from collections.abc import Callable
from typing import Any

from qabel.contract.body import FORM, JSON, MERGE_PATCH, MULTIPART, read_members, read_patch
from qabel.contract.rejection import rejected
from qabel.contract.reply import Reply, versioned
from qabel.contract.routes import Header, Key, Raw, Routes
from qabel.contract.schemas import OBJECT, Schema, ref
from qabel.core.service import CoreService
from qabel.core.settings import LiveDocument
from qabel.jsontext import InvalidJSON, parse
from qabel.rest.http.call import Call

routes = Routes("Settings")

SCOPES = {"settings"}

_KEY = Key(
    "key",
    "Key to update, can be in the form of foo.bar.baz.",
    {"type": "string", "examples": ["poll_interval"]},
    True,
)
_VALUE = Key("value", "Value to set for the key.", {"examples": [5]}, True)
_IF_NONE_MATCH = Header("If-None-Match", "Versions (ETag) that are there already.")
_IF_MATCH = Header("If-Match", "The version (ETag) that is to be changed.")
_TELLS = {200: ("ETag",), 304: ("ETag",)}
_PATCH = Raw(
    "A JSON merge patch (RFC 7396).",
    dict.fromkeys((JSON, MERGE_PATCH, FORM, MULTIPART), OBJECT),
)

_READ = {200: "The whole document.", 304: "It has not changed."}
_WRITE = {
    200: "Updated; the whole document after the change.",
    400: "The value is not valid.",
    412: "The document has changed.",
    415: "The content type is not taken.",
}
_WRONG_KEY = {405: "The key is not valid."}
_NO_DOCUMENT = {405: "It is missing, or no valid JSON document."}


Choose = Callable[[CoreService], LiveDocument[Any]]


def _declare(path: str, what: str, choose: Choose) -> None:
    """Declare the routes of one document."""
    name = f"{what.title()}Settings"
    whole = ref(f"Whole{name}")
    _declare_reading(path, what, choose, whole)
    _declare_change(path, what, choose, whole)
    _declare_substitution(path, what, choose, whole, ref(name))
    _declare_merging(path, what, choose, whole)


def _declare_reading(path: str, what: str, choose: Choose, whole: Schema) -> None:
    @routes.add(
        "GET",
        path,
        f"Read the {what} settings",
        scopes=SCOPES,
        answers=_READ,
        reads=(_IF_NONE_MATCH,),
        gives=whole,
        tells=_TELLS,
    )
    def read(call: Call) -> Reply:
        document = choose(call.core)
        return versioned(document.encoded, document.etag, call.header(b"If-None-Match"))


def _declare_change(path: str, what: str, choose: Choose, whole: Schema) -> None:
    @routes.add(
        "PUT",
        path,
        f"Update a single key of the {what} settings",
        scopes=SCOPES,
        body=(_KEY, _VALUE),
        answers=_WRITE | _WRONG_KEY,
        reads=(_IF_MATCH,),
        gives=whole,
        tells=_TELLS,
    )
    async def change(call: Call) -> Reply:
        members = call.read(read_members)
        key = members.get("key")
        if not isinstance(key, str):
            raise call.wrong_key("The key is missing, or is no text.")
        call.refuse_unknown(members)
        if "value" not in members:
            raise rejected(400, "The value is missing.")
        document = choose(call.core)
        await document.set(key, members["value"], if_match=call.text_header(b"If-Match"))
        return _whole(document)


def _declare_substitution(
    path: str, what: str, choose: Choose, whole: Schema, given: Schema
) -> None:
    settings_key = Key(
        "settings",
        "JSON document of the settings; it may also be given as a text.",
        {"anyOf": [given, {"type": "string", "contentMediaType": JSON}]},
        required=True,
    )

    @routes.add(
        "POST",
        path,
        f"Substitute the {what} settings",
        scopes=SCOPES,
        body=(settings_key,),
        answers=_WRITE | _NO_DOCUMENT,
        reads=(_IF_MATCH,),
        gives=whole,
        tells=_TELLS,
    )
    async def substitute(call: Call) -> Reply:
        settings = _settings_in(call)
        document = choose(call.core)
        await document.replace(settings, if_match=call.text_header(b"If-Match"))
        return _whole(document)


def _declare_merging(path: str, what: str, choose: Choose, whole: Schema) -> None:
    @routes.add(
        "PATCH",
        path,
        f"Change the {what} settings by a JSON merge patch",
        scopes=SCOPES,
        raw=_PATCH,
        answers=_WRITE | _NO_DOCUMENT,
        reads=(_IF_MATCH,),
        gives=whole,
        tells=_TELLS,
    )
    async def merge(call: Call) -> Reply:
        patch = call.read(read_patch, unreadable=405)
        document = choose(call.core)
        await document.merge(patch, if_match=call.text_header(b"If-Match"))
        return _whole(document)


def _settings_in(call: Call) -> object:
    """Give the document in the body; as a text, it may also be one in a JSON string."""
    members = call.read(read_members, unreadable=405)
    if "settings" not in members:
        raise call.wrong_key("The settings are missing.")
    call.refuse_unknown(members)
    settings = members["settings"]
    if not isinstance(settings, str):
        return settings
    try:
        return parse(settings.encode())
    except (InvalidJSON, UnicodeEncodeError) as error:
        why = f": {error}" if isinstance(error, InvalidJSON) else ""
        raise call.wrong_key(f"The settings are no valid JSON document{why}.") from None


def _whole(document: LiveDocument[Any]) -> Reply:
    return versioned(document.encoded, document.etag, None)


_declare("/settings", "local", lambda core: core.local)
_declare("/synced", "synced", lambda core: core.synced)
