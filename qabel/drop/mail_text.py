"""The text of a saved mail (RFC 5322 and MIME), in which somebody sent a card."""

import re
from email import message_from_bytes
from email.message import Message

_HEADER = re.compile(
    rb"(?:From |(?:Received|Return-Path|Delivered-To|MIME-Version|From|To|Subject|Date|Message-ID"
    rb"|Content-Type|Content-Transfer-Encoding|X-[\w-]{1,60}): )",
    re.IGNORECASE,
)
_CONTENT_TYPE = re.compile(rb"^Content-T(?:ype|ransfer-Encoding):", re.IGNORECASE | re.MULTILINE)

MAX_PARTS = 200
"""Parts that a mail may have."""

MAX_MAIL = 1024 * 1024
"""Bytes of a mail that is read as one."""


def mail_text(data: bytes) -> bytes:
    """Return the texts and attached files of a mail in UTF-8; other data as they are."""
    if not _is_mail(data):
        return data
    parts = [part for part in message_from_bytes(data).walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() != "text/html"]
    return "\n\n".join(map(_content, plain or parts)).encode(errors="replace")


def _is_mail(data: bytes) -> bool:
    if len(data) > MAX_MAIL or not _HEADER.match(data):
        return False
    # The parser takes long for very many parts.
    return 0 < len(_CONTENT_TYPE.findall(data)) <= MAX_PARTS >= data.count(b"\n--")


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        return ""
    return text.removeprefix("\ufeff")
