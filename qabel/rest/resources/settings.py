"""``/settings`` and ``/synced``: the two settings documents."""

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from qabel.contract.body import JSON, read_patch
from qabel.contract.components import reference
from qabel.contract.reply import Reply, versioned
from qabel.contract.routes import LARGE_BODY, MAX_BODY, Raw, Routes
from qabel.contract.schema_tree import changed, whole
from qabel.contract.schemas import Document
from qabel.core.service import CoreService
from qabel.core.settings import SettingsDocument
from qabel.forms.compound import Key, Object
from qabel.forms.errors import invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import Anything, Text
from qabel.jsontext import InvalidJSON, as_utf8, parse
from qabel.rest.http.call import Call
from qabel.settings.document import DocumentType
from qabel.settings.local import LOCAL
from qabel.settings.synced import SYNCED

routes = Routes("Settings")

_CHANGE = Object(
    {
        "key": Key(
            Text(),
            description="Key to update; may be a path such as foo.bar.baz.",
            examples=["poll_interval"],
        ),
        "value": Key(Anything(), description="Value to set for the key.", examples=[5]),
    }
)
_IF_NONE_MATCH = {
    "If-None-Match": Key(Text(), None, description="The versions (ETag) that the client has.")
}
_IF_MATCH = {
    "If-Match": Key(Text(), None, description="Fail unless the document has this version (ETag).")
}
_HEADERS = {200: ("ETag",), 304: ("ETag",)}
_PATCH = Raw(
    "A JSON merge patch (RFC 7396).",
    {"type": "object", "title": "MergePatch"},
)

_READ = {200: "The whole document.", 304: "The document has not changed."}
_WRITE = {
    200: "Updated: the whole document after the change.",
    400: "Invalid value.",
    412: "The document has changed.",
    415: "The content type is not supported.",
}
_WRONG_KEY = {405: "No such setting."}
_NO_DOCUMENT = {405: "The settings are missing, or not a valid JSON document."}


@frozen
class _SettingsForm(Form[object]):
    """A whole settings document, as JSON or as a string of JSON; its own type checks it."""

    _given: Document

    def read(self, value: object) -> object:
        """Return the document as parsed JSON."""
        if not isinstance(value, str):
            return value
        try:
            return parse(as_utf8(value.encode()))
        except InvalidJSON as error:
            raise invalid(f"is not a valid JSON document: {error}") from None
        except UnicodeEncodeError:
            raise invalid("is not a valid JSON document") from None

    def write(self, value: object) -> object:
        """Return the document as it is."""
        return value

    def schema(self) -> Schema:
        """Describe it as JSON Schema."""
        text = {"type": "string", "contentMediaType": JSON}
        return {"anyOf": [reference(self._given.name), text]}


@frozen
class _Kind:
    """One of the two documents: its path and its schemas."""

    path: str
    what: str
    given: Document
    """The document as clients send it: ids, times and keys may be left out."""
    whole: Document
    """The document as it is returned: nothing is left out."""
    is_local: bool
    scopes: frozenset[str]

    @property
    def name(self) -> str:
        """What it is called in names: "Local" or "Synced"."""
        return self.what.title()

    @property
    def body_limit(self) -> int:
        """Bytes that the body of a change may have."""
        return MAX_BODY if self.is_local else LARGE_BODY

    def of(self, core: CoreService) -> SettingsDocument[Any]:
        """Return the document."""
        return core.local if self.is_local else core.synced


def _kind(
    path: str, what: str, kind: DocumentType[Any], scopes: Iterable[str], *, is_local: bool
) -> _Kind:
    schema = {name: value for name, value in kind.json_schema().items() if name != "$schema"}
    title = schema["title"]
    prefix = "" if is_local else what.title()
    return _Kind(
        path,
        what,
        Document(f"{title}Input", _retitled(schema, prefix, "Input")),
        Document(title, _retitled(whole(schema), prefix, "")),
        is_local,
        frozenset(scopes),
    )


def _retitled(schema: Schema, prefix: str, suffix: str) -> Schema:
    """Return a schema with other titles on those within it; its own goes."""

    def retitle(each: Schema) -> Schema:
        if "title" not in each or "properties" not in each:
            return each
        return {**each, "title": f"{prefix}{each['title']}{suffix}"}

    inner = changed(schema, retitle)
    return {name: value for name, value in inner.items() if name != "title"}


def _declare(kind: _Kind) -> None:
    """Declare the routes of one document."""
    _declare_reading(kind)
    _declare_change(kind)
    _declare_substitution(kind)
    _declare_merging(kind)


def _declare_reading(kind: _Kind) -> None:
    @routes.add(
        "GET",
        kind.path,
        f"Get the {kind.what} settings",
        operation=f"get{kind.name}Settings",
        scopes=kind.scopes,
        answers=_READ,
        reads=_IF_NONE_MATCH,
        returns=kind.whole,
        headers=_HEADERS,
    )
    def read(call: Call) -> Reply:
        document = kind.of(call.core)
        return versioned(document.encoded, document.etag, call.text_header("If-None-Match"))


def _declare_change(kind: _Kind) -> None:
    @routes.add(
        "PUT",
        kind.path,
        f"Update a single key of the {kind.what} settings",
        operation=f"set{kind.name}Setting",
        scopes=kind.scopes,
        body=_CHANGE,
        answers=_WRITE | _WRONG_KEY,
        body_limit=kind.body_limit,
        reads=_IF_MATCH,
        returns=kind.whole,
        headers=_HEADERS,
    )
    async def change(call: Call) -> Reply:
        given = call.body(key="key")
        document = kind.of(call.core)
        await document.set(given["key"], given["value"], if_match=call.text_header("If-Match"))
        return _whole(document)


def _declare_substitution(kind: _Kind) -> None:
    settings_key = Key(
        _SettingsForm(kind.given),
        description="JSON document of the settings, or a string that contains it.",
    )

    @routes.add(
        "POST",
        kind.path,
        f"Substitute the {kind.what} settings",
        operation=f"replace{kind.name}Settings",
        scopes=kind.scopes,
        body=Object({"settings": settings_key}),
        answers=_WRITE | _NO_DOCUMENT,
        body_limit=kind.body_limit,
        reads=_IF_MATCH,
        returns=kind.whole,
        headers=_HEADERS,
        parts=(kind.given,),
    )
    async def substitute(call: Call) -> Reply:
        settings = call.body(key="settings", unreadable=405)["settings"]
        document = kind.of(call.core)
        await document.replace(settings, if_match=call.text_header("If-Match"))
        return _whole(document)


def _declare_merging(kind: _Kind) -> None:
    @routes.add(
        "PATCH",
        kind.path,
        f"Change the {kind.what} settings with a JSON merge patch",
        operation=f"merge{kind.name}Settings",
        scopes=kind.scopes,
        raw=_PATCH,
        answers=_WRITE | _NO_DOCUMENT,
        body_limit=kind.body_limit,
        reads=_IF_MATCH,
        returns=kind.whole,
        headers=_HEADERS,
    )
    async def merge(call: Call) -> Reply:
        patch = call.read(read_patch, unreadable=405)
        document = kind.of(call.core)
        await document.merge(patch, if_match=call.text_header("If-Match"))
        return _whole(document)


def _whole(document: SettingsDocument[Any]) -> Reply:
    return versioned(document.encoded, document.etag, None)


_declare(_kind("/settings", "local", LOCAL, {"preferences", "settings"}, is_local=True))
# It has private keys and credentials.
_declare(_kind("/synced", "synced", SYNCED, {"settings"}, is_local=False))
