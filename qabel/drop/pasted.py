"""What mail programs, chats, editors and terminals make of a text that people pass on.

A key and a drop URL have one meaning or none, so what surrounds them is taken away: quotes,
brackets, white space, invisible characters, punctuation. Nothing is guessed: a character that could
have been another one is an error, which names it.
"""

import html
import quopri
import re
from urllib.parse import unquote

from qabel.json_errors import name_character

KEY_DIGITS = 64

LONGEST = 4096
"""Characters of a text that can be a URL, or a key in many lines."""

_FULL_WIDTH = {each: each - 0xFEE0 for each in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_INVISIBLE = dict.fromkeys(
    [0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
_NEVER_MEANT = dict.fromkeys([0xAD, 0x200B, 0x2060, 0xFEFF])
"""Invisible characters that no name needs; emoji and some scripts need others."""

WRAPPERS = "<>()[]{}\"'`“”„‟‘’‚‛«»‹›*|"  # noqa: RUF001 - these are the ones that are meant
PUNCTUATION = ".,;:!?"

_LABEL = re.compile(r"[A-Za-z][A-Za-z -]{0,30}:\s*(?=https?://)", re.IGNORECASE)
_KEY_LABEL = re.compile(r"(?:[A-Za-z][A-Za-z _-]{0,30}[:=]\s*|0x)(?=[0-9A-Fa-f\s]+$)")
_ENCODED_URL = re.compile(r"https?%3A%2F%2F", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_LINK = re.compile(r"\[(?P<label>[^\[\]\n]{0,2000})\]\(<?(?P<target>[^)>\s]+)>?\)")
_CHAT_LINK = re.compile(
    r"<(?P<target>https?://[^<|>\s]{1,2048})\|(?P<label>[^<>\s]{0,2048})>", re.IGNORECASE
)
_MAIL_LINK = re.compile(r"\s?<(?P<target>https?://[^<>\s]{1,2048})>", re.IGNORECASE)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_BREAK = re.compile(r"\s*[\r\n]\s*")
_NOT_A_DIGIT = re.compile(r"[^0-9A-Fa-f]")
_TAG = re.compile(
    r"</?(?:!doctype|a|b|blockquote|body|br|code|div|em|font|head|html|i|img|li|meta|ol|p|pre|span"
    r"|strong|style|table|tbody|td|th|title|tr|tt|u|ul)(?:[\s/][^<>]{0,2000})?>",
    re.IGNORECASE,
)
_BREAKING_TAG = re.compile(r"(?:<br|</(?:p|div|li|tr|pre|blockquote|td))", re.IGNORECASE)
_SOFT_BREAK = re.compile(r"=[ \t]*\r?\n")
_QUOTED = re.compile(r"^[ \t]*(?:[>|][ \t]?)+", re.MULTILINE)


def to_plain_width(text: str) -> str:
    """Return the text with ASCII instead of full-width characters; its length stays."""
    return text.translate(_FULL_WIDTH)


def without_invisible(text: str) -> str:
    """Return a text without the invisible characters that no name needs."""
    return text.translate(_NEVER_MEANT)


def clean_url(text: str) -> str:
    """Return the URL in a text, without what tools put around or into it.

    If the text is something else, so is what is returned.
    """
    if len(text) > LONGEST:
        return text
    text = to_plain_width(text).translate(_INVISIBLE).strip()
    if _ENTITY.search(text):
        text = html.unescape(text)
    text = open_links(_BREAK.sub("", text))
    text = text.lstrip(WRAPPERS).rstrip(WRAPPERS + PUNCTUATION).strip()
    if _ENCODED_URL.match(text):
        text = unquote(text)
    return _LABEL.sub("", text, count=1)


def clean_key(text: str) -> str:
    """Return the digits of a key in a text, without what tools put around or between them."""
    text = to_plain_width(text).translate(_INVISIBLE).strip()
    text = text.lstrip(WRAPPERS).rstrip(WRAPPERS + PUNCTUATION)
    return "".join(_KEY_LABEL.sub("", text, count=1).split())


def explain_key(text: str) -> str:
    """Return why a text is no key: "must have 64 hexadecimal digits, but …"."""
    digits = clean_key(text)
    bad = _NOT_A_DIGIT.search(digits)
    found = f"has {len(digits)}" if bad is None else f"contains {name_character(bad[0])}"
    if bad is not None and bad[0].isascii() and bad[0].isprintable():
        found = "contains other characters"
    return f"must have {KEY_DIGITS} hexadecimal digits, but {found}"


def open_links(text: str) -> str:
    """Return a text with the targets of links as Markdown, chats and mail programs write them.

    A link that shows one URL and leads to another stays as it is, and so is no URL.
    """
    text = _CHAT_LINK.sub(_target, _LINK.sub(_target, text))
    return _MAIL_LINK.sub(lambda link: "" if _label(link) == link["target"] else link[0], text)


def has_links(text: str) -> bool:
    """Return whether a text still has links, which show another URL than they lead to."""
    if _LINK.search(text) or _CHAT_LINK.search(text):
        return True
    return any(_label(link) is not None for link in _MAIL_LINK.finditer(text))


def without_html(text: str) -> str:
    """Return the text of HTML; a text without tags and entities as it is."""
    if not _TAG.search(text) and not _ENTITY.search(text):
        return text
    text = _TAG.sub(lambda tag: "\n" if _BREAKING_TAG.match(tag[0]) else "", text)
    return html.unescape(text)


def without_quoted_printable(text: str) -> str:
    """Return a text as it was before it was made quoted-printable, if its line ends show that."""
    if not _SOFT_BREAK.search(text):
        return text
    try:
        return quopri.decodestring(text.encode()).decode()
    except UnicodeError:
        return text


def without_quote_marks(text: str) -> str:
    """Return the text of a quotation in a mail: each line without the marks at its start."""
    return _QUOTED.sub("", text)


def has_quote_mark(line: str) -> bool:
    """Return whether a line is quoted."""
    return _QUOTED.match(line) is not None


def _label(link: re.Match[str]) -> str | None:
    """Return the URL before the link of a mail program; None if something else stands there."""
    before = link.string[max(0, link.start() - LONGEST) : link.start()]
    word = (before.split() or [""])[-1].lstrip(WRAPPERS)
    return word if before == before.rstrip() and _SCHEME.match(word) else None


def _target(link: re.Match[str]) -> str:
    label, target = link["label"].strip(WRAPPERS), link["target"]
    return target if label == target or not _SCHEME.search(label) else link[0]
