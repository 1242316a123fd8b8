"""The text of a saved mail (RFC 5322 and MIME), in which somebody sent a card."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage

_HEADER = re.compile(
    rb"(?:From |(?:Received|Return-Path|Delivered-To|MIME-Version|From|To|Subject|Date|Message-ID"
    rb"|Content-Type|Content-Transfer-Encoding|X-[\w-]{1,60}): )",
    re.IGNORECASE,
)
_CONTENT_TYPE = re.compile(rb"^Content-T(?:ype|ransfer-Encoding):", re.IGNORECASE | re.MULTILINE)

MAX_MAIL = 1024 * 1024
"""Bytes of a mail that is read as one."""


def mail_text(data: bytes) -> bytes:
    """Return the texts and attached files of a mail in UTF-8; other data as they are."""
    if len(data) > MAX_MAIL or not _HEADER.match(data) or not _CONTENT_TYPE.search(data):
        return data
    parsed = message_from_bytes(data, policy=policy.default)
    parts = [part for part in parsed.walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() != "text/html"]
    texts = [_content(part) for part in plain or parts if isinstance(part, EmailMessage)]
    return "\n\n".join(texts).encode(errors="replace")


def _content(part: EmailMessage) -> str:
    try:
        content = part.get_content()
    except (LookupError, ValueError):
        return ""
    if isinstance(content, bytes):
        return content.decode("utf-8-sig", errors="replace")
    return content if isinstance(content, str) else ""
