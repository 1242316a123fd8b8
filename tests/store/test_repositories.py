"""The small repositories: documents, tokens, webhooks, and the cursors of consumers."""

from typing import Any

import pytest

from qabel.store.database.database import Database
from qabel.store.database.errors import StoreError
from qabel.store.documents import DocumentRepository
from qabel.store.journal.cursors import CursorRepository
from qabel.store.journal.entries import JournalEntries
from qabel.store.tokens import TokenRepository
from qabel.store.webhooks import KEEP_UNDELIVERED, WebhookRepository

NOW = 1_800_000_000.0
MS = int(NOW * 1000)


def test_documents_are_kept_and_replaced(database: Database, got: Any) -> None:
    """The last text saved is the one loaded; there is an event in the journal if wanted."""
    documents = DocumentRepository(database)
    assert got(documents.load("settings")) is None
    assert got(documents.save("settings", b"{}", event=False, now=NOW)) is None
    assert got(documents.save("settings", b'{"a": 1}', event=True, now=NOW)) == 1
    assert got(documents.load("settings")) == b'{"a": 1}'
    (entry,) = got(JournalEntries(database).read(0, 10))
    assert (entry.seq, entry.kind, entry.data, entry.identity_id) == (1, "settings", b"{}", None)


def test_places_only_move_forward(database: Database, got: Any) -> None:
    """Of two answers under way together the farther counts; all are there after a restart."""
    cursors = CursorRepository(database)
    assert got(cursors.move("a", 5, now=NOW)) == 5
    assert got(cursors.move("a", 3, now=NOW)) == 5
    assert got(cursors.move("b", 1, now=NOW)) == 1
    state = got(cursors.load())
    assert state.consumers == {"a": 5, "b": 1}
    assert len(state.database_id) == 16
    assert (state.last_seq, state.floor, state.newest_message, state.messages) == (0, 0, 0, 0)


def test_places_nobody_uses_are_forgotten(database: Database, got: Any) -> None:
    """A consumer that was away for long has no cursor any more."""
    cursors = CursorRepository(database)
    got(cursors.move("old", 1, now=NOW))
    got(cursors.move("new", 1, now=NOW + 10))
    assert got(cursors.expire(NOW + 5)) == ["old"]
    assert got(cursors.load()).consumers == {"new": 1}


def test_tokens_are_kept_without_their_values(database: Database, got: Any) -> None:
    """A token is its digest, with what it may do; an id is never used again."""
    tokens = TokenRepository(database)
    one = got(tokens.add("cli", ["read", "send"], b"d1", None, now=NOW))
    two = got(tokens.add("phone", [], b"d2", 7, now=NOW))
    assert got(tokens.all()) == [one, two]
    assert (one.scopes, one.created, one.last_used) == (("read", "send"), MS, None)
    assert two.identity_id == 7
    assert got(tokens.revoke(two.id)) is True
    assert got(tokens.revoke(two.id)) is False
    assert got(tokens.add("again", [], b"d2", None, now=NOW)).id > two.id
    with pytest.raises(StoreError):
        got(tokens.add("twice", [], b"d1", None, now=NOW))


def test_the_use_of_tokens_is_noted_together(database: Database, got: Any) -> None:
    """Times of use only go forward, and those of tokens that are gone are passed over."""
    tokens = TokenRepository(database)
    one = got(tokens.add("cli", [], b"d1", None, now=NOW))
    got(tokens.touch({one.id: NOW + 5, 99: NOW}))
    got(tokens.touch({one.id: NOW + 1}))
    got(tokens.touch({}))
    assert got(tokens.all())[0].last_used == MS + 5000


def test_webhooks_have_cursors(database: Database, got: Any) -> None:
    """A delivery advances the cursor; failures are counted until the next success."""
    webhooks = WebhookRepository(database)
    made = got(webhooks.add("http://localhost/hook", b"secret", ["drop"], 3, now=NOW))
    assert (made.cursor, made.kinds, made.failures, made.created) == (3, ("drop",), 0, MS)
    got(webhooks.failed(made.id, "no answer"))
    got(webhooks.failed(made.id, "500"))
    [failed] = got(webhooks.all())
    assert (failed.failures, failed.last_error) == (2, "500")
    got(webhooks.delivered(made.id, 8, now=NOW + 100))
    got(webhooks.delivered(made.id, 7, now=NOW + 100))
    [fine] = got(webhooks.all())
    assert (fine.cursor, fine.failures, fine.last_error) == (8, 0, None)
    assert fine.last_success == MS + 100_000
    assert "secret" not in repr(fine)
    assert "localhost" not in repr(fine)


def test_undelivered_entries_are_listed(database: Database, got: Any) -> None:
    """An entry that was given up is skipped and listed, until it is removed from the list."""
    webhooks = WebhookRepository(database)
    hook = got(webhooks.add("http://localhost/hook", b"secret", [], 0, now=NOW)).id
    for seq in (4, 6):
        got(webhooks.give_up(hook, seq, "drop", b"{}", "410", now=NOW))
    assert got(webhooks.all())[0].cursor == 6
    found = got(webhooks.undelivered(hook))
    assert [(each.seq, each.kind, each.body, each.error) for each in found] == [
        (4, "drop", b"{}", "410"),
        (6, "drop", b"{}", "410"),
    ]
    assert got(webhooks.undelivered(hook, after=4, limit=1)) == found[1:]
    assert got(webhooks.forget_undelivered(hook, 4)) == 1
    assert got(webhooks.undelivered(hook)) == found[1:]
    assert got(webhooks.delete(hook)) is True
    assert got(webhooks.delete(hook)) is False
    assert got(webhooks.all()) == []
    assert got(webhooks.undelivered(hook)) == []
    got(webhooks.give_up(hook, 9, "drop", b"{}", "410", now=NOW))
    assert got(webhooks.undelivered(hook)) == []


def test_the_list_of_undelivered_entries_is_bounded(database: Database, got: Any) -> None:
    """Of more than are kept, the oldest go."""
    webhooks = WebhookRepository(database)
    hook = got(webhooks.add("http://localhost/hook", b"secret", [], 0, now=NOW)).id

    def fill(connection: Any) -> None:
        connection.executemany(
            "INSERT INTO undelivered VALUES (?, ?, 'drop', x'7b7d', 'e', 0)",
            [(hook, seq) for seq in range(1, KEEP_UNDELIVERED + 1)],
        )

    got(database.run(fill))
    got(webhooks.give_up(hook, KEEP_UNDELIVERED + 1, "drop", b"{}", "e", now=NOW))
    found = got(webhooks.undelivered(hook))
    assert (len(found), found[0].seq) == (KEEP_UNDELIVERED, 2)
