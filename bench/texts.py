"""Large and hostile texts: none takes longer than its length justifies."""

import json
from collections.abc import Iterator

from bench.measure import Row, paired
from qabel.core.people.contact_import import import_cards
from qabel.crypto import PrivateKey
from qabel.drop.cards import ContactCard
from qabel.drop.multipart import MultipartParser, encode_part
from qabel.drop.url import DropURL
from qabel.jsontext import encode, parse
from qabel.settings.synced import SYNCED

NOW = 1_700_000_000_000
DATE = "Mon, 23 Nov 2026 07:38:48 +0000"
MEBIBYTE = 1024 * 1024


def run(*, small: bool) -> Iterator[Row]:
    """Read texts that are large, or meant to be slow."""
    share, rounds = (0.01, 1) if small else (1.0, 5)
    yield _multipart(share, rounds)
    yield _json(int(share * MEBIBYTE), rounds)
    yield _settings(int(share * 10_000), rounds)
    yield _import(int(share * 10_000), rounds)


def _multipart(share: float, rounds: int) -> Row:
    """Read all of it, and the same in tenths: quadratic time would show as a ratio of 0.1."""
    kinds = {
        "messages": (encode_part("B", b"x" * 2149, DATE) * 28, 1000),
        "a message without an end": (b"x" * 65536, 1000),
        "almost boundaries": (b"\r\n--B." * 9000, 50),
        "empty messages": (b"\r\n--B\r\n\r\n" * 6000, 20),
    }

    def drain(piece: bytes, count: int) -> None:
        parser = MultipartParser("multipart/mixed; boundary=B")
        for _ in range(count):
            parser.feed(piece)

    def ratio(piece: bytes, pieces: int) -> float:
        count = max(int(share * pieces), 10)

        def in_tenths() -> None:
            for _ in range(10):
                drain(piece, count // 10)

        return paired(lambda: drain(piece, count), in_tenths, rounds)

    return _slowest(
        "a multipart response of up to 65 MB",
        "ten responses of a tenth each",
        ">= 0.7",
        {kind: ratio(*each) for kind, each in kinds.items()},
    )


def _json(size: int, rounds: int) -> Row:
    """Parse JSON strictly, compared with the standard library, which is not strict."""
    kinds = {
        "numbers": b"1",
        "numbers with large exponents": b"1.5e300",
        "numbers of 300 digits": b"7" * 300,
        "empty texts": b'""',
        "quotation marks": b'"%s"' % (b'\\"' * 1000),
        "lists in lists": b"[" * 60 + b"]" * 60,
        "objects": b'{"a":{},"b":null}',
    }

    def ratio(item: bytes) -> float:
        text = b"[" + b",".join([item] * (size // (len(item) + 1))) + b"]"
        return paired(lambda: parse(text), lambda: json.loads(text), rounds)

    return _slowest(
        f"parsing {size // 1024} kB of JSON strictly",
        "Python's json, which is not strict",
        ">= 0.1",
        {kind: ratio(item) for kind, item in kinds.items()},
    )


def _settings(count: int, rounds: int) -> Row:
    """Change one of many contacts."""
    me = PrivateKey.generate()
    identity = {"alias": "me", "keys": {"private_key": me.hex}, "drops": []}
    start = SYNCED.set(SYNCED.parse({}, now=NOW), "identities", [identity], now=NOW)
    contacts = [
        {
            "alias": f"contact {number}",
            "keys": {"public_key": PrivateKey.generate().public_key.hex},
            "my_identity": me.public_key.hex,
            "drop_urls": ["https://drop.example/" + "a" * 43],
        }
        for number in range(count)
    ]
    large = SYNCED.set(start, "contacts", contacts, now=NOW)
    chosen = large.contacts[count // 2].id

    def change() -> None:
        SYNCED.set(large, f"contacts.{chosen}.alias", "renamed", now=NOW)

    document = parse(SYNCED.encode(large))
    return Row(
        f"changing one of {count} contacts",
        "encoding all of them as JSON",
        paired(change, lambda: encode(document), rounds),
        ">= 0.5",
    )


def _import(count: int, rounds: int) -> Row:
    """Import many contacts at once, and in tenths: quadratic time would show as a ratio of 0.1."""
    me = PrivateKey.generate()
    identity = {"alias": "me", "keys": {"private_key": me.hex}, "drops": []}
    start = SYNCED.set(SYNCED.parse({}, now=NOW), "identities", [identity], now=NOW)
    owner, url = start.identities[0], DropURL.parse("https://drop.example/" + "a" * 43)
    cards = [
        ContactCard(f"contact {number}", PrivateKey.generate().public_key, (url,))
        for number in range(count)
    ]
    tenth = cards[: count // 10]

    def in_tenths() -> None:
        for _ in range(10):
            import_cards(start, owner, tenth, now=NOW)

    return Row(
        f"importing {count} contacts",
        "importing a tenth of them ten times",
        paired(lambda: import_cards(start, owner, cards, now=NOW), in_tenths, rounds),
        ">= 0.6",
    )


def _slowest(what: str, against: str, wanted: str, ratios: dict[str, float]) -> Row:
    kind, ratio = min(ratios.items(), key=lambda each: each[1])
    return Row(what, against, ratio, wanted, f"the slowest kind: {kind}")
