"""What S3 answers in XML: lists, the ids of uploads, and reasons. None is believed blindly."""

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from attrs import frozen

from qabel.blockserver.object_store import StorageFailed

LARGEST = 2**20
"""Bytes that an answer may have: a list of a thousand objects has less than half of it."""

_KNOWN = frozenset({
    "AccessDenied", "AllAccessDisabled", "AuthorizationHeaderMalformed", "BadDigest",
    "EntityTooLarge", "EntityTooSmall", "ExpiredToken", "InsufficientCapacity", "InternalError",
    "InvalidAccessKeyId", "InvalidAccessPoint", "InvalidArgument", "InvalidBucketName",
    "InvalidBucketState", "InvalidObjectState", "InvalidPart", "InvalidPartOrder",
    "InvalidRange", "InvalidRequest", "InvalidSecurity", "InvalidStorageClass", "InvalidToken",
    "KeyTooLongError", "MalformedXML", "MethodNotAllowed", "NoSuchBucket", "NoSuchKey",
    "NoSuchUpload", "NotImplemented", "OperationAborted", "PermanentRedirect",
    "PreconditionFailed", "QuotaExceeded", "RequestTimeout", "RequestTimeTooSkewed",
    "ServiceUnavailable", "SignatureDoesNotMatch", "SlowDown", "TemporaryRedirect",
    "XAmzContentSHA256Mismatch", "XMinioStorageFull",
})  # fmt: skip
"""Reasons that are repeated in errors. Others are not: a server could write anything there."""

_FULL = frozenset({"InsufficientCapacity", "QuotaExceeded", "XMinioStorageFull"})


@frozen(eq=False)
class S3Page:
    """One of the answers that a list is made of."""

    items: Sequence[dict[str, str]]
    """What each item has, by name."""
    fields: dict[str, str]
    """What the page has besides."""


def parse_page(body: bytes, item: str) -> S3Page:
    """Return what a page of a list has. Raises StorageFailed.

    Args:
        body: the answer.
        item: the name of the elements that are its items.

    """
    root = _no_error(body)
    items = [_texts(each) for each in root if _name(each) == item]
    return S3Page(items, _texts(root))


def parse_fields(body: bytes) -> dict[str, str]:
    """Return what an answer has. Raises StorageFailed, also if it is an error after all."""
    return _texts(_no_error(body))


def completion(tags: Sequence[str]) -> bytes:
    """Return the request to make an object of the parts that have these tags, in their order."""
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(tag)}</ETag></Part>"
        for number, tag in enumerate(tags, 1)
    )
    return f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()


def reason_of(body: bytes) -> str:
    """Return why a request was refused, if that is one of the known reasons; else an empty text."""
    try:
        root = _parse(body)
    except StorageFailed:
        return ""
    code = _texts(root).get("Code", "") if _name(root) == "Error" else ""
    return code if code in _KNOWN else ""


def failure(status: int, body: bytes) -> StorageFailed:
    """Return the error that an answer means. It quotes nothing of it but a known reason."""
    reason = reason_of(body)
    text = f"the S3 server answered {status}{f' ({reason})' if reason else ''}"
    return StorageFailed(text, is_full=status == 507 or reason in _FULL)


def _parse(body: bytes) -> Any:
    """Return the root of an answer. Raises StorageFailed."""
    try:
        # Nothing can hide in another encoding: UTF-16, which the parser would read, has zeros.
        text = body.decode().lstrip()
        if "\x00" in text:
            raise ValueError
        # Entities are declared in a DTD only, and S3 has none.
        if len(body) > LARGEST or "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise StorageFailed("the S3 server answered with a document that is not accepted")
        return ET.fromstring(text)  # noqa: S314 - it is short, and has no DTD
    except (UnicodeDecodeError, ET.ParseError, ValueError):
        raise StorageFailed("the S3 server answered with something that is not XML") from None


def _no_error(body: bytes) -> Any:
    """Return the root of an answer that is no error. Raises StorageFailed."""
    root = _parse(body)
    # The names of others differ between servers.
    if _name(root) == "Error":
        raise failure(200, body)
    return root


def _name(element: Any) -> str:
    """Return the name of an element without its namespace, which some servers leave out."""
    return str(element.tag).rpartition("}")[2]


def _texts(element: Any) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}
