"""Contact files, identity files, contact texts and meta data in the deployed clients' formats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qabel.crypto import PrivateKey, PublicKey
from qabel.drop.cards import (
    BadCard,
    CardError,
    ContactCard,
    IdentityFile,
    read_contact_text,
    read_contacts,
    read_identity,
    read_meta_data,
    write_contact_text,
    write_contacts,
    write_identity,
    write_meta_data,
)
from qabel.drop.url import DropURL

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/qabel-core.json").read_text())
INTRODUCTIONS = [
    json.loads(vector["expected"]["json"])["meta_data"]
    for vector in VECTORS["drop_messages"] + VECTORS["drop_messages_bad"]
    if "meta_data" in vector["expected"]
]

MARK = b"\xef\xbb\xbf"
PRIVATE = "5ac99f33632e5a768de7e81bf854c27c46e3fbf2abbacd29ec4aff517369c660"
PUBLIC = "565689ffdf3c5be17b44ab2a5519e28a919b520c2fb9fde9414b46dcdbc99c3b"
DROP_ID = "1234567890123456789012345678901234567891234"
URL = f"http://127.0.0.1:5000/{DROP_ID}"
OTHER_URL = f"https://drop.example/a/{DROP_ID[::-1]}"

CONTACT: dict[str, Any] = {
    "alias": "Alice",
    "email": "a@example.com",
    "phone": "+49301234",
    "public_key": PUBLIC,
    "drop_urls": [URL],
}
CARD = ContactCard(
    alias="Alice",
    public_key=PublicKey.from_hex(PUBLIC),
    drop_urls=(DropURL.parse(URL),),
    email="a@example.com",
    phone="+49301234",
)
IDENTITY: dict[str, Any] = {
    "alias": "Alice",
    "email": "",
    "phone": "",
    "private_key": PRIVATE,
    "prefixes": ["2a1d1c0b-9f6e-4f39-8d7c-1a2b3c4d5e6f"],
    "public_key": PUBLIC,
    "drop_urls": [URL],
}
IDENTITY_FILE = IdentityFile(
    alias="Alice",
    private_key=PrivateKey.from_hex(PRIVATE),
    drop_urls=(DropURL.parse(URL),),
    prefixes=("2a1d1c0b-9f6e-4f39-8d7c-1a2b3c4d5e6f",),
)
META_DATA: dict[str, Any] = {
    "alias": "Älice",
    "drop_url": URL,
    "public_key": {"public_key": PUBLIC},
    "phone": "+49123",
    "email": "a@b.c",
}
TEXT = f"QABELCONTACT\nAlice\n{URL}\n{PUBLIC}"

KEY_OF_NOBODY = "56" * 31 + "d6"
PUBLIC_KEYS = st.integers(0, 2**255 - 20).map(
    lambda number: PublicKey(number.to_bytes(32, "little"))
)
CLEAN_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NOT_BLANK = CLEAN_TEXT.map(lambda text: "" if text.isspace() else text)
DROP_URLS = st.sampled_from([DropURL.parse(URL), DropURL.parse(OTHER_URL)])
CARDS = st.builds(
    ContactCard,
    alias=CLEAN_TEXT,
    public_key=PUBLIC_KEYS,
    drop_urls=st.lists(DROP_URLS, max_size=3).map(tuple),
    email=NOT_BLANK,
    phone=NOT_BLANK,
)
IDENTITIES = st.builds(
    IdentityFile,
    alias=CLEAN_TEXT,
    private_key=st.binary(min_size=32, max_size=32).map(PrivateKey),
    drop_urls=st.lists(DROP_URLS, max_size=3).map(tuple),
    prefixes=st.lists(CLEAN_TEXT, max_size=3).map(tuple),
    email=NOT_BLANK,
    phone=NOT_BLANK,
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def text(value: object) -> bytes:
    """Encode JSON as the deployed clients might."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def with_changes(form: dict[str, Any], **changes: Any) -> bytes:
    """Return the JSON of a form with some keys changed; None removes a key."""
    merged = {**form, **changes}
    return text({key: value for key, value in merged.items() if value is not None})


def test_contact_file_reads_as_the_deployed_clients_write_it() -> None:
    """A file may hold a list of contacts or a single bare contact."""
    assert read_contacts(text({"contacts": [CONTACT]})) == [CARD]
    assert read_contacts(text(CONTACT)) == [CARD]
    assert read_contacts(b'{"contacts":[]}') == []


def test_contact_file_is_always_a_container() -> None:
    """The keys are those of the deployed clients; empty email and phone are omitted."""
    assert json.loads(write_contacts([CARD])) == {"contacts": [CONTACT]}
    bare = attrs.evolve(CARD, email="", phone=" ", drop_urls=())
    assert json.loads(write_contacts([bare])) == {
        "contacts": [{"alias": "Alice", "public_key": PUBLIC, "drop_urls": []}]
    }
    assert b"\\/" not in write_contacts([CARD])
    assert write_contacts([]) == b'{"contacts":[]}'


def test_contact_file_may_have_more_than_is_known_and_blanks() -> None:
    """Unknown keys are kept, null and blank mean absent, and hex may be in either case."""
    changed = {
        **CONTACT,
        "nickname": 5,
        "email": None,
        "phone": " \t",
        "public_key": PUBLIC.upper(),
    }
    expected = attrs.evolve(CARD, email="", phone="", extra={"nickname": 5})
    assert read_contacts(text({"contacts": [changed], "version": 2})) == [expected]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'"contacts"',
        b"{}",
        b'{"contacts":null}',
        b'{"contacts":{}}',
        b"[" + text(CONTACT)[1:],
        text(CONTACT).replace(b"Alice", b"\xff"),
        text(CONTACT).replace(b"Alice", b"\\ud800"),
        b'{"alias":"B",' + text(CONTACT)[1:],
        b"[" * 100_000,
        *(with_changes(CONTACT, **{key: None}) for key in ("alias", "public_key", "drop_urls")),
        *(with_changes(CONTACT, **{key: 5}) for key in CONTACT),
        with_changes(CONTACT, public_key=PUBLIC[:-1]),
        with_changes(CONTACT, public_key=PUBLIC + "00"),
        with_changes(CONTACT, public_key="g" * 64),
        with_changes(CONTACT, public_key={"public_key": PUBLIC}),
        with_changes(CONTACT, drop_urls=URL),
        with_changes(CONTACT, drop_urls=[URL, None]),
        with_changes(CONTACT, drop_urls=[URL[:-1]]),
        with_changes(CONTACT, drop_urls=[URL + "/"]),
        with_changes(CONTACT, drop_urls=["ftp://drop.example/" + DROP_ID]),
    ],
)
def test_bad_contact_file_is_refused(data: bytes) -> None:
    """Invalid JSON, missing keys and values of the wrong type are rejected."""
    with pytest.raises(CardError):
        read_contacts(data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "this is not a contact file: unexpected end"),
        (
            with_changes(CONTACT, public_key=None),
            "this is not a contact file: public_key is missing",
        ),
        (with_changes(CONTACT, alias=5), "this is not a contact file: a key has the wrong type"),
        (with_changes(CONTACT, public_key="x"), "a public key must have 64 hexadecimal digits"),
    ],
)
def test_error_in_a_contact_file_says_what_is_wrong(data: bytes, why: str) -> None:
    """The message names the problem, and a missing key."""
    with pytest.raises(CardError, match=why):
        read_contacts(data)


@pytest.mark.parametrize(
    ("entry", "bad"),
    [
        (
            {**CONTACT, "drop_urls": [URL, URL + "x"]},
            BadCard(
                "Alice",
                "drop URL 2 of 2: a drop URL must end in a drop id:"
                " 43 characters from A-Z a-z 0-9 - _",
            ),
        ),
        ({**CONTACT, "alias": 5}, BadCard("", "this is not a contact: a key has the wrong type")),
        ({"alias": "Bob"}, BadCard("Bob", "this is not a contact: public_key is missing")),
        (None, BadCard("", "this is not a contact: a key has the wrong type")),
        ([], BadCard("", "this is not a contact: a key has the wrong type")),
    ],
)
def test_bad_entries_of_a_contact_file(entry: object, bad: BadCard) -> None:
    """An entry that is no contact does not prevent the others from being read."""
    assert read_contacts(text({"contacts": [entry, CONTACT]})) == [bad, CARD]
    assert "Alice" not in repr(bad)


def test_unknown_keys_of_a_card_replace_no_others() -> None:
    """Unknown keys are written beside the known ones, which they cannot replace or add to."""
    extra = {"email": "x", "alias": "x", "private_key": "x", "prefixes": "x", "note": {"a": [1]}}
    card = ContactCard("Alice", CARD.public_key, CARD.drop_urls, extra=extra)
    [entry] = json.loads(write_contacts([card]))["contacts"]
    assert entry == {
        "alias": "Alice", "public_key": PUBLIC, "drop_urls": [URL], "note": {"a": [1]}
    }  # fmt: skip
    identity = attrs.evolve(IDENTITY_FILE, extra={"private_key": "x", "note": 1})
    assert json.loads(write_identity(identity)) == {**IDENTITY, "note": 1}
    assert read_identity(write_identity(identity)).extra == {"note": 1}


def test_identity_file_holds_both_directions() -> None:
    """An identity file has the keys of the deployed clients, even empty email and phone."""
    assert read_identity(text(IDENTITY)) == IDENTITY_FILE
    assert json.loads(write_identity(IDENTITY_FILE)) == IDENTITY


def test_identity_file_needs_only_what_the_deployed_reader_needs() -> None:
    """Alias, private key and drop URLs are sufficient."""
    needed = {key: IDENTITY[key] for key in ("alias", "private_key", "drop_urls")}
    assert read_identity(text(needed)) == attrs.evolve(IDENTITY_FILE, prefixes=())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        text({"identities": [IDENTITY]}),
        *(with_changes(IDENTITY, **{key: None}) for key in ("alias", "private_key", "drop_urls")),
        *(with_changes(IDENTITY, **{key: 5}) for key in IDENTITY),
        with_changes(IDENTITY, private_key=PRIVATE[:-2]),
        with_changes(IDENTITY, private_key=" " + PRIVATE[1:]),
        with_changes(IDENTITY, public_key=PRIVATE),
        with_changes(IDENTITY, public_key=""),
        with_changes(IDENTITY, prefixes=[5]),
        with_changes(IDENTITY, drop_urls=[URL + "?x"]),
    ],
)
def test_bad_identity_file_is_refused_without_quoting_it(data: bytes) -> None:
    """Mismatched keys are rejected too, and no error shows the private key."""
    with pytest.raises(CardError) as caught:
        read_identity(data)
    assert PRIVATE[:16] not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_contact_text_holds_both_directions() -> None:
    """The text has four lines; several drop URLs are separated by a comma and a space."""
    card = ContactCard("Alice", CARD.public_key, CARD.drop_urls)
    assert write_contact_text(card) == TEXT
    assert read_contact_text(TEXT) == card
    two = attrs.evolve(card, drop_urls=(DropURL.parse(URL), DropURL.parse(OTHER_URL)))
    assert write_contact_text(two) == TEXT.replace(URL, f"{URL}, {OTHER_URL}")
    assert read_contact_text(write_contact_text(two)) == two


@pytest.mark.parametrize(
    "changed",
    [
        "",
        "QABELCONTACT",
        TEXT + "\n\n",
        TEXT + "\r",
        "\ufeff\ufeff" + TEXT,
        "\n" + TEXT,
        TEXT.replace("\n", "\r"),
        TEXT.replace("Alice", "A\rlice"),
        TEXT.replace("QABELCONTACT", "qabelcontact"),
        TEXT.replace(URL, ""),
        TEXT.replace(URL, f"{URL},{URL}"),
        TEXT.replace(URL, f"{URL}, "),
        TEXT.replace("Alice", "A\nlice"),
        TEXT.replace("Alice", "A\ud800"),
        TEXT[:-1],
        TEXT + "0",
        TEXT.rpartition("\n")[0],
    ],
)
def test_bad_contact_text_is_refused(changed: str) -> None:
    """Anything but four valid lines is rejected."""
    with pytest.raises(CardError):
        read_contact_text(changed)


@pytest.mark.parametrize(
    "changed",
    [
        TEXT + "\n",
        TEXT + "\r\n",
        "\ufeff" + TEXT,
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT.replace("\n", "\r\n") + "\r\n",
    ],
)
def test_what_editors_make_of_a_contact_text_is_read(changed: str) -> None:
    """A byte order mark, CRLF and a final line end say nothing."""
    assert read_contact_text(changed) == read_contact_text(TEXT)


@pytest.mark.parametrize("around", [(MARK, b""), (b"", b"\r\n"), (MARK, b"\n")])
def test_what_editors_make_of_a_file_is_read(around: tuple[bytes, bytes]) -> None:
    """A file may begin with a byte order mark and end with a line end."""
    before, after = around
    identity = write_identity(IdentityFile("Alice", PrivateKey.from_hex(PRIVATE), ()))
    assert read_identity(before + identity + after) == read_identity(identity)
    assert read_contacts(before + text(CONTACT) + after) == read_contacts(text(CONTACT))


@pytest.mark.parametrize(
    "changes", [{"alias": "A\nB"}, {"alias": "A\rB"}, {"alias": "\ud800"}, {"drop_urls": ()}]
)
def test_card_that_no_contact_text_can_hold_is_refused(changes: dict[str, Any]) -> None:
    """A card that could not be read back is not written."""
    with pytest.raises(CardError):
        write_contact_text(attrs.evolve(CARD, **changes))


def test_meta_data_holds_both_directions() -> None:
    """Meta data nest the public key and hold one drop URL."""
    card = attrs.evolve(CARD, alias="Älice", phone="+49123", email="a@b.c")
    assert read_meta_data(text(META_DATA)) == card
    assert json.loads(write_meta_data(card)) == META_DATA
    bare = ContactCard("", CARD.public_key, CARD.drop_urls)
    assert json.loads(write_meta_data(bare)) == {
        "alias": "", "drop_url": URL, "public_key": {"public_key": PUBLIC}, "phone": "", "email": ""
    }  # fmt: skip


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_meta_data_of_known_answers_holds_both_directions(introduction: dict[str, Any]) -> None:
    """Meta data written by Qabel's core are read, and written again with the same content."""
    known = {key: value for key, value in introduction.items() if key in META_DATA}
    written = json.loads(write_meta_data(read_meta_data(text(introduction))))
    assert written == {"phone": "", "email": "", **known}


def test_there_are_known_answers_with_meta_data() -> None:
    """The test vectors contain meta data, so the test above is not empty."""
    assert len(INTRODUCTIONS) >= 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        *(with_changes(META_DATA, **{key: None}) for key in ("alias", "drop_url", "public_key")),
        *(with_changes(META_DATA, **{key: 5}) for key in META_DATA),
        with_changes(META_DATA, public_key=PUBLIC),
        with_changes(META_DATA, public_key={}),
        with_changes(META_DATA, drop_url=[URL]),
        with_changes(META_DATA, drop_url=""),
    ],
)
def test_bad_meta_data_are_refused(data: bytes) -> None:
    """Missing keys and values of the wrong type are rejected."""
    with pytest.raises(CardError):
        read_meta_data(data)


@pytest.mark.parametrize("write", [lambda card: write_contacts([card]), write_meta_data])
def test_half_a_surrogate_pair_is_never_written(write: Callable[[ContactCard], bytes]) -> None:
    """Text that no reader would accept is not written."""
    with pytest.raises(CardError):
        write(attrs.evolve(CARD, alias="\ud800"))
    with pytest.raises(CardError):
        write_identity(attrs.evolve(IDENTITY_FILE, alias="\ud800"))


def test_card_without_a_drop_url_has_no_meta_data() -> None:
    """Meta data need a drop URL."""
    with pytest.raises(CardError):
        write_meta_data(attrs.evolve(CARD, drop_urls=()))


@given(st.lists(CARDS, max_size=3))
def test_contact_files_read_back(cards: list[ContactCard]) -> None:
    """Any contacts survive a round trip."""
    assert read_contacts(write_contacts(cards)) == cards


@given(IDENTITIES)
def test_identity_files_read_back(identity: IdentityFile) -> None:
    """Any identity survives a round trip."""
    assert read_identity(write_identity(identity)) == identity


@given(CARDS)
def test_contact_texts_and_meta_data_read_back(card: ContactCard) -> None:
    """Any card survives a round trip, apart from what the format cannot hold."""
    try:
        written = write_contact_text(card)
    except CardError:
        assert not card.drop_urls or "\n" in card.alias or "\r" in card.alias
        return
    assert read_contact_text(written) == attrs.evolve(card, email="", phone="")
    one = attrs.evolve(card, drop_urls=card.drop_urls[:1])
    assert read_meta_data(write_meta_data(card)) == one


@given(st.binary() | JSON_VALUES.map(text))
def test_no_bytes_break_the_readers(data: bytes) -> None:
    """Arbitrary bytes raise CardError and nothing else."""
    for read in (read_contacts, read_identity, read_meta_data):
        with pytest.raises(CardError):
            read(data)


@given(st.sampled_from([*CONTACT, *IDENTITY, *META_DATA, "contacts"]), JSON_VALUES)
def test_no_value_of_a_key_breaks_the_readers(key: str, value: object) -> None:
    """With any value for a key, whatever is accepted survives a round trip."""
    for form in (CONTACT, IDENTITY, META_DATA):
        data = text({**form, key: value})
        try:
            if form is CONTACT:
                cards = read_contacts(data)
                good = [each for each in cards if isinstance(each, ContactCard)]
                assert read_contacts(write_contacts(good)) == good
            elif form is IDENTITY:
                identity = read_identity(data)
                assert read_identity(write_identity(identity)) == identity
            else:
                card = read_meta_data(data)
                assert read_meta_data(write_meta_data(card)) == card
        except CardError:
            pass


@given(st.text() | st.text(alphabet="\n, ", max_size=8).map(lambda end: TEXT + end))
def test_no_text_breaks_the_reader_of_contact_texts(changed: str) -> None:
    """Any text survives a round trip or raises CardError."""
    try:
        card = read_contact_text(changed)
    except CardError:
        return
    assert read_contact_text(write_contact_text(card)) == card


def test_nothing_shows_names_or_keys() -> None:
    """The repr of a card or identity shows no name, address, drop id or private key."""
    shown = repr(CARD) + repr(IDENTITY_FILE)
    for secret in ("Alice", "example.com", "+49", DROP_ID, PRIVATE, "2a1d1c0b"):
        assert secret not in shown


@pytest.mark.parametrize("key", [KEY_OF_NOBODY, KEY_OF_NOBODY.upper(), "ff" * 32])
def test_keys_that_are_not_canonical(key: str) -> None:
    """No card is read with another spelling of a key, in whatever form it is."""
    url = "http://drop.example/" + "a" * 43
    contact = {"alias": "Bob", "public_key": key, "drop_urls": [url]}
    meta = {"alias": "Bob", "public_key": {"public_key": key}, "drop_url": url}
    identity = {"alias": "Bob", "private_key": "02" * 32, "drop_urls": [], "public_key": key}
    for read, value in (
        (read_contacts, contact),
        (read_meta_data, meta),
        (read_identity, identity),
    ):
        with pytest.raises(CardError, match="not canonical"):
            read(json.dumps(value).encode())
    [bad] = read_contacts(json.dumps({"contacts": [contact]}).encode())
    assert isinstance(bad, BadCard)
    assert "not canonical" in bad.reason
    with pytest.raises(CardError, match="not canonical"):
        read_contact_text(f"QABELCONTACT\nBob\n{url}\n{key}")


def test_each_entry_stands_alone() -> None:
    """An entry that no strict parser accepts spoils no other, and is named."""
    for bad, reason in (
        ('{"alias":"Bob","public_key":1,"public_key":2}', "duplicate key"),
        ('{"alias":"Bob","size":NaN}', "NaN"),
        ('{"alias":"Bob","email":"\\ud800"}', "surrogate"),
        ('{"alias":"Bob","email":"a\nb"}', "email is broken"),
    ):
        data = f'{{"contacts":[{bad},{text(CONTACT).decode()}]}}'.encode()
        [refused, card] = read_contacts(data)
        assert isinstance(refused, BadCard)
        assert refused.alias == "Bob"
        assert reason in refused.reason
        assert card == CARD


def test_wrapped_file_has_the_same_keys() -> None:
    """Line breaks in a key or drop URL are taken away; in an alias, they may have been a space."""
    data = text({"contacts": [CONTACT]})
    for part in (PUBLIC, URL):
        broken = data.replace(part.encode(), f"{part[:20]}\r\n{part[20:]}".encode())
        assert read_contacts(broken) == [CARD]
    with pytest.raises(CardError, match="alias is broken over several lines"):
        read_contacts(data.replace(b"Alice", b"Ali\nce"))


def test_file_that_was_cut_off() -> None:
    """A file whose end is missing is said to be so, whatever line end it got."""
    for end in (b"", b"\n", b"\r\n"):
        with pytest.raises(CardError, match="unexpected end of the document"):
            read_contacts(text({"contacts": [CONTACT]})[:60] + end)


def test_identity_in_a_mail() -> None:
    """An identity file is found in a text, but two of them are not taken for one."""
    data = text(IDENTITY)
    broken = data.replace(PRIVATE.encode(), f"{PRIVATE[:9]}\n> {PRIVATE[9:]}".encode())
    for changed in (b"Hi,\n\n" + data + b"\n\nBye", b"> " + broken, data.decode().encode("utf-16")):
        assert read_identity(changed) == IDENTITY_FILE
    with pytest.raises(CardError, match="2 identities"):
        read_identity(data + b"\n" + data)
    with pytest.raises(CardError, match="duplicate key"):
        read_identity(b'{"alias":"x",' + data[1:])
    with pytest.raises(CardError, match="an image"):
        read_identity(b"\x89PNG")
    for contact in (text({"contacts": [CONTACT]}), text(CONTACT), TEXT.encode()):
        with pytest.raises(CardError, match="import it as a contact"):
            read_identity(contact)
