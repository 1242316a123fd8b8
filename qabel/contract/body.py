"""Bodies of requests: JSON or a form, read to the same members."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    PushMultipartParser,
    parse_options_header,
)

from qabel.forms.errors import shorten_name
from qabel.jsontext import InvalidJSON, as_utf8, parse

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MERGE_PATCH = "application/merge-patch+json"

MAX_FIELDS = 100
"""Fields that a form may have."""


class WrongType(ValueError):
    """The content type is not supported; the text is for the user."""


class BadBody(ValueError):
    """The body does not match its content type, or is not an object; the text is for the user."""


def media_type(header: bytes | None) -> tuple[str, dict[str, str]]:
    """Return the type in a Content-Type header, in lower case, and its options.

    Without a header, the type is empty. Raises WrongType.
    """
    if header is None:
        return "", {}
    try:
        kind, options = parse_options_header(header.decode("ascii"))
    except ValueError:
        raise WrongType("The header Content-Type is malformed.") from None
    return kind.lower(), options


def read_members(header: bytes | None, data: bytes) -> dict[str, object]:
    """Return the members of a JSON object or a form.

    In forms, a value that is valid JSON is read as JSON, and any other value as a string.

    Args:
        header: Content-Type.
        data: the body.

    Raises:
        WrongType: the body is neither JSON nor a form.
        BadBody: the body is malformed, or is JSON but not an object.

    """
    kind, options = media_type(header)
    if kind == JSON or (not kind and not data):
        value = read_json(options, data)
        if not isinstance(value, dict):
            raise BadBody("The body must be a JSON object.")
        return value
    if kind == FORM:
        return _from_pairs(_urlencoded(_checked_charset(options), data))
    if kind == MULTIPART:
        return _from_pairs(_multipart(options, data))
    raise _wrong_type(kind, JSON, FORM, MULTIPART)


def _wrong_type(kind: str, *known: str) -> WrongType:
    *others, last = known
    names = f"{', '.join(others)} or {last}"
    if not kind:
        return WrongType(f"The header Content-Type is missing: it must be {names}.")
    return WrongType(f"The body must be {names}.")


def read_json(options: dict[str, str], data: bytes) -> object:
    """Return the value of a JSON body with these Content-Type options.

    Raises WrongType or BadBody.
    """
    _checked_charset(options)
    if not data:
        raise BadBody("The body is empty.")
    try:
        return parse(as_utf8(data))
    except InvalidJSON as error:
        raise BadBody(f"The body is not valid JSON: {error}.") from None


def read_patch(header: bytes | None, data: bytes) -> object:
    """Return a JSON merge patch. A form has its outermost members.

    Raises WrongType or BadBody.
    """
    kind, options = media_type(header)
    if kind in (JSON, MERGE_PATCH) or (not kind and not data):
        return read_json(options, data)
    if kind not in (FORM, MULTIPART):
        raise _wrong_type(kind, MERGE_PATCH, JSON, FORM, MULTIPART)
    return read_members(header, data)


def json_or_text(value: str) -> object:
    """Return the value of a form field: JSON if it is valid JSON, or else the string itself."""
    try:
        return parse(value.encode())
    except (InvalidJSON, UnicodeEncodeError):
        return value


def read_fields(header: bytes | None, data: bytes) -> dict[str, str]:
    """Return the fields of a form, with strings as values. Raises WrongType or BadBody."""
    kind, options = media_type(header)
    if kind == FORM:
        return _unique(_urlencoded(_checked_charset(options), data))
    if kind == MULTIPART:
        return _unique(_multipart(options, data))
    raise WrongType(f"The body must be {FORM} or {MULTIPART}.")


def _checked_charset(options: dict[str, str]) -> dict[str, str]:
    charset = options.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise WrongType("The charset of the body must be UTF-8.")
    return options


def _from_pairs(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    return {name: json_or_text(value) for name, value in _unique(pairs).items()}


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    members: dict[str, str] = {}
    for name, value in pairs:
        if name in members:
            raise BadBody(f"The form has more than one field {shorten_name(name)}.")
        members[name] = value
    return members


def _urlencoded(_: dict[str, str], data: bytes) -> list[tuple[str, str]]:
    if as_utf8(data).lstrip().startswith(b"{"):
        # curl declares what it sends as a form unless it is told otherwise.
        raise BadBody(f"The body is JSON, but declared as {FORM}: send Content-Type: {JSON}.")
    # Files and editors end lines; within a form, a line break is written as %0D%0A.
    data = data.rstrip(b"\r\n")
    try:
        return parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(data),
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError:
        raise BadBody("The form is not URL-encoded UTF-8.") from None
    except ValueError:
        raise BadBody(
            f"The body is not a URL-encoded form, or has more than {MAX_FIELDS} fields."
        ) from None


def _decoded(name: str, value: bytes) -> str:
    try:
        return as_utf8(value).decode()
    except UnicodeDecodeError:
        raise BadBody(f"The field {shorten_name(name)} is not text in UTF-8.") from None


def _multipart(options: dict[str, str], data: bytes) -> list[tuple[str, str]]:
    boundary = options.get("boundary", "")
    if not boundary:
        raise BadBody("The header Content-Type has no boundary.")
    fields: list[tuple[str, bytearray]] = []
    try:
        with PushMultipartParser(
            boundary, content_length=len(data), max_segment_count=MAX_FIELDS, strict=True
        ) as parser:
            for event in [*parser.parse(data), *parser.parse(b"")]:
                if isinstance(event, bytes | bytearray):
                    fields[-1][1].extend(event)
                elif event is not None:
                    _checked_charset({"charset": event.charset or "utf-8"})
                    fields.append((event.name or "", bytearray()))
        return [(name, _decoded(name, bytes(value))) for name, value in fields]
    except MultipartError as error:
        raise BadBody(f"The body is not a valid form: {error}.") from None
