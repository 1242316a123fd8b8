"""A settings document: whole and valid, changed one change at a time, seen once it is kept."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve, field
from twisted.internet.defer import Deferred, fail, succeed

from qabel.core.errors import Changed
from qabel.core.settings import SettingsDocument
from qabel.crypto import PrivateKey
from qabel.deferreds import result_of
from qabel.forms.errors import InvalidInput, UnknownKey
from qabel.settings.local import LOCAL, LocalSettings
from qabel.settings.stored import UnusableKey
from qabel.settings.synced import SYNCED, SyncedSettings
from qabel.settings.used_ids import UsedIds
from qabel.store.database.database import Database
from qabel.store.database.errors import StoreFull
from qabel.store.documents import DocumentRepository

Document = SettingsDocument[LocalSettings]


@define
class Disk:
    """Keeps documents in memory, at once or when the test lets it."""

    saved: list[tuple[str, bytes, bool, float]] = field(factory=list)
    is_full: bool = False
    is_slow: bool = False
    waiting: list["Deferred[int | None]"] = field(factory=list)

    def load(self, name: str) -> "Deferred[bytes | None]":
        """Return what was saved last."""
        texts = [text for saved, text, _, _ in self.saved if saved == name]
        return succeed(texts[-1] if texts else None)

    def used_ids(self) -> "Deferred[dict[str, UsedIds]]":
        """Return none."""
        return succeed({})

    def save(
        self, name: str, text: bytes, *, event: bool, now: float, used: Any, also: Any
    ) -> "Deferred[int | None]":
        """Keep a document; the number of its event is how many were saved."""
        if self.is_full:
            return fail(StoreFull("There is no space."))
        self.saved.append((name, text, event, now))
        if self.is_slow:
            self.waiting.append(Deferred())
            return self.waiting[-1]
        return succeed(len(self.saved) if event else None)


@pytest.fixture
def disk() -> Disk:
    """Return a disk with nothing on it."""
    return Disk()


@pytest.fixture
def document(disk: Disk) -> Document:
    """Return a document that was never changed."""
    return SettingsDocument("settings", LOCAL, disk, lambda: 1000.5)


@pytest.fixture
def told(document: Document) -> list[tuple[float, float, int | None]]:
    """Return what a listener is told: the intervals before and after, and the event's number."""
    changes: list[tuple[float, float, int | None]] = []
    document.on_change(
        lambda before, after, seq: changes.append((before.poll_interval, after.poll_interval, seq))
    )
    return changes


def started(document: Document, key: str, value: object, **more: str) -> "Deferred[None]":
    """Begin to set a key."""
    return Deferred.fromCoroutine(document.set(key, value, **more))


def test_it_is_the_default_at_first(document: Document) -> None:
    """A document that was never saved has its default values."""
    result_of(Deferred.fromCoroutine(document.load()))
    assert document.value == LocalSettings()


def test_it_is_what_was_saved(document: Document, database: Database) -> None:
    """What was set is there when the document is loaded again, with the same ETag."""
    kept: Document = SettingsDocument("settings", LOCAL, DocumentRepository(database), lambda: 0.0)
    result_of(started(kept, "poll_interval", 7))
    again: Document = SettingsDocument("settings", LOCAL, DocumentRepository(database), lambda: 0.0)
    result_of(Deferred.fromCoroutine(again.load()))
    assert again.value.poll_interval == 7
    assert (again.encoded, again.etag) == (kept.encoded, kept.etag)


def test_what_follows_a_change(database: Database) -> None:
    """What depends on the document changes in its transaction, beside what else is to change."""
    done: list[tuple[float, float] | str] = []
    kept: Document = SettingsDocument(
        "settings",
        LOCAL,
        DocumentRepository(database),
        lambda: 0.0,
        follow=lambda _, before, after: done.append((before.poll_interval, after.poll_interval)),
    )
    result_of(started(kept, "poll_interval", 7))
    also = kept.change(
        lambda old, _: evolve(old, poll_interval=9), also=lambda _: done.append("also")
    )
    result_of(Deferred.fromCoroutine(also))
    assert done == [(5, 7), "also", (7, 9)]


def test_the_text_and_the_etag_follow_the_value(document: Document) -> None:
    """The encoded document has the value that was set, and another ETag than before."""
    before = document.etag
    result_of(started(document, "poll_interval", 7))
    assert json.loads(document.encoded)["poll_interval"] == 7
    assert document.etag != before
    result_of(started(document, "poll_interval", LocalSettings().poll_interval))
    assert document.etag == before


def test_three_ways_to_change_it(document: Document) -> None:
    """Setting changes one key, merging those that are named, replacing puts all others back."""
    module = {"chat": {"theme": "dark"}}
    result_of(started(document, "module_data", module))
    result_of(Deferred.fromCoroutine(document.merge({"poll_interval": 9})))
    assert (document.value.poll_interval, document.value.module_data) == (9, module)
    result_of(Deferred.fromCoroutine(document.replace({"module_data": module})))
    assert document.value.poll_interval == LocalSettings().poll_interval
    assert document.value.module_data == module


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda it: it.set("nonsense", 1), UnknownKey),
        (lambda it: it.set("poll_interval", "soon"), InvalidInput),
        (lambda it: it.merge({"poll_interval": -1}), InvalidInput),
        (lambda it: it.replace({"more": 1}), InvalidInput),
    ],
)
def test_what_is_not_valid_changes_nothing(
    document: Document, disk: Disk, change: Callable[[Document], object], error: type[Exception]
) -> None:
    """A change that is not valid is refused, and nothing is saved."""
    before = document.value
    with pytest.raises(error):
        result_of(Deferred.fromCoroutine(change(document)))
    assert document.value is before
    assert disk.saved == []
    result_of(started(document, "poll_interval", 7))
    assert document.value.poll_interval == 7


def test_a_condition_on_the_etag(document: Document, disk: Disk) -> None:
    """A change made for another version of the document is refused; for this one it is made."""
    stale = document.etag
    result_of(started(document, "poll_interval", 7, if_match=stale))
    with pytest.raises(Changed):
        result_of(started(document, "poll_interval", 8, if_match=stale))
    assert document.value.poll_interval == 7
    result_of(started(document, "poll_interval", 8, if_match=document.etag))
    result_of(started(document, "poll_interval", 9, if_match="*"))
    assert len(disk.saved) == 3


def test_a_change_that_changes_nothing(
    document: Document, disk: Disk, told: list[tuple[float, float, int | None]]
) -> None:
    """Setting what is there already neither touches the disk nor tells anybody."""
    result_of(started(document, "poll_interval", LocalSettings().poll_interval))
    assert (disk.saved, told) == ([], [])


def test_listeners_are_told_of_each_change(
    document: Document, told: list[tuple[float, float, int | None]]
) -> None:
    """Listeners are told the document before and after, and the number in the journal."""
    result_of(started(document, "poll_interval", 7))
    result_of(started(document, "poll_interval", 8))
    assert told == [(5, 7, 1), (7, 8, 2)]


def test_changes_of_the_daemon_are_no_events(
    document: Document, disk: Disk, told: list[tuple[float, float, int | None]]
) -> None:
    """What the daemon notes for itself is saved and told, without a number in the journal."""
    changed = document.change(lambda old, _: evolve(old, poll_interval=7), event=False)
    assert result_of(Deferred.fromCoroutine(changed)).poll_interval == 7
    assert [(name, event, now) for name, _, event, now in disk.saved] == [
        ("settings", False, 1000.5)
    ]
    assert told == [(5, 7, None)]


def test_a_change_is_seen_once_it_is_kept(
    document: Document, disk: Disk, told: list[tuple[float, float, int | None]]
) -> None:
    """Until the disk has a change, everybody sees the document before it."""
    disk.is_slow = True
    setting = started(document, "poll_interval", 7)
    assert (document.value.poll_interval, told) == (5, [])
    disk.waiting.pop().callback(3)
    result_of(setting)
    assert (document.value.poll_interval, told) == (7, [(5, 7, 3)])


def test_a_full_disk_changes_nothing(
    document: Document, disk: Disk, told: list[tuple[float, float, int | None]]
) -> None:
    """A change that cannot be kept is not made, and the next one can be."""
    disk.is_full = True
    with pytest.raises(StoreFull):
        result_of(started(document, "poll_interval", 7))
    assert (document.value.poll_interval, told) == (5, [])
    disk.is_full = False
    result_of(started(document, "poll_interval", 8))
    assert told == [(5, 8, 1)]


def test_changes_wait_for_each_other(document: Document, disk: Disk) -> None:
    """A change begins with what the one before it has made, in the order of the calls."""
    disk.is_slow = True
    changes = [
        Deferred.fromCoroutine(
            document.change(lambda old, _: evolve(old, poll_interval=old.poll_interval * 2))
        )
        for _ in range(3)
    ]
    for _ in changes:
        [waiting], disk.waiting = disk.waiting, []
        waiting.callback(None)
    assert [result_of(each).poll_interval for each in changes] == [10, 20, 40]


def test_who_waits_no_longer_stops_nothing(document: Document, disk: Disk) -> None:
    """A change that was begun is made, also if nobody waits for it any more."""
    disk.is_slow = True
    setting = started(document, "poll_interval", 7)
    setting.addErrback(lambda _: None)
    setting.cancel()
    disk.waiting.pop().callback(1)
    assert document.value.poll_interval == 7


def test_documents_of_older_versions_load() -> None:
    """What older versions accepted loads, and does not keep the daemon from starting."""
    alice, bob = PrivateKey(b"\1" * 32), PrivateKey(b"\2" * 32).public_key
    twin = f"{bob.hex[:-2]}{bob.raw[31] | 0x80:02x}"
    times = {"created": 1, "updated": 1, "deleted": 0}
    both = {"public_key": alice.public_key.hex, "private_key": alice.hex}
    contact = {"alias": "Bob", "my_identity": alice.public_key.hex, "drop_urls": [], **times}
    text = json.dumps(
        {
            "identities": [{"id": 1, "alias": "Alice", "keys": both, "drops": [], **times}],
            "contacts": [
                {"id": 1, "keys": {"public_key": bob.hex}, **contact},
                {"id": 2, "keys": {"public_key": twin}, **contact},
            ],
            "module_data": {"a": {"b": int("9" * 309)}},
        }
    )
    disk = Disk([("synced", text.encode(), True, 1.0)])
    document = SettingsDocument("synced", SYNCED, disk, lambda: 1000.5)
    result_of(Deferred.fromCoroutine(document.load()))
    [first, second] = document.value.contacts_of(alice.public_key)
    assert (first.public_key, second.public_key) == (bob, UnusableKey(bytes.fromhex(twin)))
    assert json.loads(document.encoded)["module_data"] == {"a": {"b": int("9" * 309)}}
    twice = {**json.loads(document.encoded)["contacts"][1], "id": 3, "deleted": 0}
    with pytest.raises(InvalidInput, match="canonical"):
        result_of(Deferred.fromCoroutine(document.set("contacts", [twice])))


def test_used_ids_survive_a_restart(database: Database) -> None:
    """An id that was in use before a restart is not given to another identity after it."""

    def loaded() -> SettingsDocument[SyncedSettings]:
        made = SettingsDocument("synced", SYNCED, DocumentRepository(database), lambda: 1.0)
        result_of(Deferred.fromCoroutine(made.load()))
        return made

    def person() -> dict[str, Any]:
        return {"alias": "x", "keys": {"private_key": PrivateKey.generate().hex}, "drops": []}

    first = loaded()
    result_of(Deferred.fromCoroutine(first.set("identities", [person(), person()])))
    result_of(Deferred.fromCoroutine(first.replace({})))
    again = loaded()
    result_of(Deferred.fromCoroutine(again.set("identities", [person()])))
    assert [each.id for each in again.value.identities] == [3]
    with pytest.raises(InvalidInput) as raised:
        result_of(Deferred.fromCoroutine(again.set("identities", [{**person(), "id": 2}])))
    assert [each.key for each in raised.value.errors] == ["identities.2.id"]
