"""Contact texts: the four lines that a QR code holds, as written, and as people's tools leave them.

A text that is exactly as Qabel writes it is read exactly. Otherwise it is looked for: a contact
text is its mark, an alias, drop URLs and a key, and the parts can be told from each other however
the lines between them were broken or joined. Drop ids and keys must have their full length, so
that none is read that was cut off or continued by other words.
"""

import re
from collections.abc import Sequence
from json import JSONDecodeError, loads
from urllib.parse import unquote, unquote_plus

import attrs

from qabel.drop.card_forms import (
    CardError,
    parse_drop_urls,
    parse_public_key,
)
from qabel.drop.card_values import BadCard, ContactCard
from qabel.drop.pasted import (
    KEY_DIGITS,
    LONGEST,
    PUNCTUATION,
    WRAPPERS,
    explain_key,
    has_links,
    has_quote_mark,
    open_links,
    to_plain_width,
    without_html,
    without_invisible,
    without_quote_marks,
    without_quoted_printable,
)
from qabel.drop.url import DropURL, InvalidDropURL

CONTACT_TEXT_MARK = "QABELCONTACT"
"""The first line of a contact text."""

MAX_LENGTH = 2 * 1024 * 1024
"""Characters of a text in which contact texts are looked for."""

MAX_TEXTS = 10_000
"""Contact texts that are read from one document."""

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_BEFORE_URL = re.compile(
    r"(?:[A-Za-z]{1,12}:)?[ \t]*(?P<opened>[<(\[{\"'`“‘«‹*|]*)$"  # noqa: RUF001
)
_BETWEEN_URLS = re.compile(r"[,;<(]+(?=https?://)", re.IGNORECASE)
_HEX = re.compile(r"[0-9A-Fa-f]+")
_URL_AND_KEY = re.compile(r"(?P<url>.*/[A-Za-z0-9_-]{43})(?P<key>[0-9A-Fa-f]{64})")
_LINE_END = re.compile(r"\r\n|[\r\n\u0085\u2028\u2029]")
_ENCODED = re.compile(rf"{CONTACT_TEXT_MARK}(?:%0[AaDd]|%20)[^\s\"'<>&]*")
_ENCODED_URL = re.compile(r"https?%3A%2F%2F[^\s\"'<>&]*", re.IGNORECASE)
_ESCAPED = re.compile(rf'{CONTACT_TEXT_MARK}\\n(?:[^"\\\n]|\\.)*')


def write_contact_text(card: ContactCard) -> str:
    """Return the four lines that a QR code holds.

    Raises CardError for a card without a drop URL, or with an alias that has a line break or an
    unpaired surrogate.
    """
    if not card.drop_urls:
        raise CardError("a contact text needs at least one drop URL")
    if not {"\n", "\r"}.isdisjoint(card.alias):
        raise CardError("the alias has a line break, which a contact text cannot hold")
    _check_encodable(card.alias)
    urls = ", ".join(map(str, card.drop_urls))
    return f"{CONTACT_TEXT_MARK}\n{card.alias}\n{urls}\n{card.public_key.hex}"


def read_contact_text(text: str) -> ContactCard:
    """Parse the four lines that a QR code holds. Raises CardError.

    What editors make of the text is read, too: a byte order mark, CRLF, and a final line end.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").removesuffix("\n").split("\n")
    if len(lines) != 4 or lines[0] != CONTACT_TEXT_MARK or any("\r" in line for line in lines):
        raise CardError(
            "a contact text must have four lines, separated by line feeds,"
            f" the first of them {CONTACT_TEXT_MARK}"
        )
    _, alias, urls, key = lines
    _check_encodable(alias)
    return ContactCard(
        alias=alias,
        public_key=parse_public_key(key),
        drop_urls=parse_drop_urls(urls.split(", ")),
    )


def find_contact_texts(text: str) -> list[ContactCard | BadCard]:
    """Return the contacts whose texts are somewhere in a text, such as a mail.

    What only mentions the mark is passed over. Raises CardError if there is no contact text, or
    only one, which cannot be read.
    """
    if len(text) > MAX_LENGTH:
        raise CardError(f"the text is longer than {MAX_LENGTH} characters")
    for encoded in (_ENCODED, _ENCODED_URL):
        text = encoded.sub(_decoded, text)
    text = _ESCAPED.sub(_unescaped, text)
    text = without_invisible(without_html(text))
    starts = [each.start() for each in re.finditer(CONTACT_TEXT_MARK, to_plain_width(text))]
    if not starts:
        raise _not_found(text)
    if len(starts) > MAX_TEXTS:
        raise CardError(f"there are more than {MAX_TEXTS} contact texts")
    found: list[ContactCard | BadCard] = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        line = text[text.rfind("\n", 0, start) + 1 : start]
        found += _read_part(text[start:end], is_quoted=has_quote_mark(line))
    if not found:
        raise CardError(
            f"no drop URL follows {CONTACT_TEXT_MARK}: it begins with http:// or https://"
        )
    if len(found) == 1 and isinstance(found[0], BadCard):
        raise CardError(found[0].reason)
    return found


def _not_found(text: str) -> CardError:
    if CONTACT_TEXT_MARK.lower() in text.lower():
        return CardError(
            f"{CONTACT_TEXT_MARK} is in other letters: the letter case of the text was changed,"
            " and drop URLs differ by it; copy the text again"
        )
    return CardError(f"there is no contact text, which begins with {CONTACT_TEXT_MARK}")


def _decoded(run: re.Match[str]) -> str:
    """Return a text that was encoded for a URL, or for a form, which has + for a space."""
    is_form = _ENCODED_URL.search(run[0]) is not None
    return unquote_plus(run[0]) if is_form else unquote(run[0])


def _unescaped(run: re.Match[str]) -> str:
    """Return a contact text that is written as a JSON string."""
    try:
        return str(loads(f'"{run[0]}"'))
    except JSONDecodeError:
        return run[0]


def _read_part(text: str, *, is_quoted: bool) -> list[ContactCard | BadCard]:
    """Return the contact in a text that begins with the mark; none if it is only mentioned."""
    text = without_quoted_printable(text)
    if is_quoted:
        text = without_quote_marks(text)
    text = open_links(text)
    plain = to_plain_width(text)
    begin = _SCHEME.search(plain)
    if begin is None:
        return []
    head, opened = _without_end(text[len(CONTACT_TEXT_MARK) : begin.start()])
    aliases = [line.strip() for line in _LINE_END.split(head) if line.strip()]
    alias = aliases[0] if aliases else ""
    try:
        if len(aliases) > 1:
            raise CardError("the alias must be in one line")
        _check_encodable(alias)
        return [_Reading().card(alias, opened + plain[begin.start() :])]
    except CardError as error:
        return [BadCard(alias.encode(errors="replace").decode(), str(error))]


def _without_end(head: str) -> tuple[str, str]:
    """Return what stands before a drop URL without a label and brackets, and the brackets."""
    start = max(0, len(head) - 100)
    end = _BEFORE_URL.search(head, start)
    return (head, "") if end is None else (head[: end.start()], end["opened"])


@attrs.define(repr=False)
class _Reading:
    """The drop URLs and the key of a contact text, while its words are read."""

    _urls: list[str] = attrs.field(factory=list)
    _key: str = ""
    _fragments: list[str] = attrs.field(factory=list)
    """The parts of a key that was broken over several lines, or written in groups."""

    def card(self, alias: str, rest: str) -> ContactCard:
        """Return the contact whose alias stands before ``rest``. Raises CardError."""
        for line in _LINE_END.split(rest):
            words = _words(line)
            if self._fragments and not words:
                break
            self._read_line(words)
            if self._key or sum(map(len, self._fragments)) >= KEY_DIGITS:
                break
        urls = parse_drop_urls(list(dict.fromkeys(self._urls)))
        return ContactCard(alias, parse_public_key(self._key or self._joined()), urls)

    def _joined(self) -> str:
        key = "".join(self._fragments)
        if not key:
            raise CardError("the public key must follow the drop URLs, in a line of its own")
        # A word of the text after it, such as a name, must not complete a key that was cut off.
        if key not in (key.lower(), key.upper()):
            raise CardError("the public key is broken, and its parts differ in letter case")
        return key

    def _read_line(self, words: Sequence[str]) -> None:
        fragments: list[str] = []
        for number, word in enumerate(words):
            bare = word.lstrip(WRAPPERS).rstrip(WRAPPERS + PUNCTUATION)
            if self._takes_as_url(word, bare, is_first=number == 0) or not bare:
                continue
            if self._key or (len(bare) == KEY_DIGITS and not self._fragments and not fragments):
                # A whole key is one, whatever follows it.
                self._key = self._key or bare
                return
            if not _HEX.fullmatch(bare):
                raise CardError(f"the public key {explain_key(bare)}")
            fragments.append(bare)
        if len(set(map(len, fragments))) > 1:
            raise CardError("the public key is broken into parts of different length")
        self._fragments += fragments

    def _takes_as_url(self, word: str, bare: str, *, is_first: bool) -> bool:
        """Take a word that begins a drop URL, or continues the last one in a new line."""
        if self._key or self._fragments:
            return False
        if _SCHEME.match(bare):
            joined = _URL_AND_KEY.fullmatch(bare)
            if joined is not None:
                bare, self._key = joined["url"], joined["key"]
            # What ends a line within a URL, such as a dot, is a part of it.
            self._urls.append(bare if _is_drop_url(bare) else word.lstrip(WRAPPERS))
            return True
        if not is_first or not self._urls or _is_drop_url(self._urls[-1]):
            return False
        whole = self._urls[-1] + word
        if len(whole) > LONGEST:
            raise CardError(f"drop URL {len(self._urls)} has no end")
        ended = whole.rstrip(WRAPPERS + PUNCTUATION)
        self._urls[-1] = ended if _is_drop_url(ended) else whole
        return True


def _words(line: str) -> list[str]:
    line = open_links(line)
    if has_links(line):
        raise CardError("a link shows another URL than it leads to")
    return [each for word in line.split() for each in _BETWEEN_URLS.split(word) if each]


def _is_drop_url(text: str) -> bool:
    try:
        DropURL.parse(text)
    except InvalidDropURL:
        return False
    return True


def _check_encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CardError("the alias has an unpaired surrogate") from None
