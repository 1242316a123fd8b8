"""Webhooks: their cursors, their failures, and what could not be delivered."""

from typing import Any

import pytest

from qabel.deferreds import result_of
from qabel.store.database.connection import Connection
from qabel.store.database.database import Database
from qabel.store.webhooks import KEEP_UNDELIVERED, Webhook, WebhookRepository

NOW = 1_800_000_000.0
MS = int(NOW * 1000)


@pytest.fixture
def webhooks(database: Database) -> WebhookRepository:
    """Return the webhooks of an empty database."""
    return WebhookRepository(database)


def log_events(database: Database, *numbers: int) -> None:
    """Add events with these numbers to the journal."""
    result_of(
        database.run(
            lambda connection: (
                connection.executemany(
                    "INSERT INTO events (seq, kind, detail, created) "
                    "VALUES (?, 'outbox', x'7b7d', 1)",
                    [(number,) for number in numbers],
                ).rowcount
            )
        )
    )


def add(webhooks: WebhookRepository) -> Webhook:
    """Add a webhook that gets all entries."""
    return result_of(webhooks.add("http://localhost/hook", b"secret", [], 0, now=NOW))


def test_webhooks_have_cursors(webhooks: WebhookRepository) -> None:
    """A delivery advances the cursor, and failures are counted until the next success."""
    made = result_of(webhooks.add("http://localhost/hook", b"secret", ["drop"], 3, now=NOW))
    assert (made.cursor, made.kinds, made.failures, made.created) == (3, ("drop",), 0, MS)
    result_of(webhooks.failed(made.id, "no answer"))
    result_of(webhooks.failed(made.id, "500"))
    [failed] = result_of(webhooks.all())
    assert (failed.failures, failed.last_error) == (2, "500")
    result_of(webhooks.delivered(made.id, 8, now=NOW + 100))
    result_of(webhooks.delivered(made.id, 7, now=NOW + 100))
    [fine] = result_of(webhooks.all())
    assert (fine.cursor, fine.failures, fine.last_error) == (8, 0, None)
    assert fine.last_success == MS + 100_000


def test_undelivered_entries_are_listed(database: Database, webhooks: WebhookRepository) -> None:
    """An entry that was given up is skipped, and listed until it is removed from the list."""
    log_events(database, 4, 6)
    hook = add(webhooks).id
    for seq in (4, 6):
        result_of(webhooks.give_up(hook, seq, "drop", b"{}", "410", now=NOW))
    assert result_of(webhooks.all())[0].cursor == 6
    assert result_of(webhooks.undelivered_counts()) == {hook: 2}
    found = result_of(webhooks.undelivered(hook))
    assert [(each.seq, each.kind, each.body, each.error) for each in found] == [
        (4, "drop", b"{}", "410"),
        (6, "drop", b"{}", "410"),
    ]
    assert result_of(webhooks.undelivered(hook, after=4, limit=1)) == found[1:]
    assert result_of(webhooks.forget_undelivered(hook, 4)) == 1
    assert result_of(webhooks.undelivered(hook)) == found[1:]


def test_the_list_of_undelivered_entries_is_bounded(
    database: Database, webhooks: WebhookRepository
) -> None:
    """Of more undelivered entries than are kept, the oldest are dropped."""
    hook = add(webhooks).id

    def fill(connection: Connection) -> None:
        connection.executemany(
            "INSERT INTO undelivered VALUES (?, ?, 'drop', x'7b7d', 'e', 0, NULL)",
            [(hook, seq) for seq in range(1, KEEP_UNDELIVERED + 1)],
        )

    result_of(database.run(fill))
    log_events(database, KEEP_UNDELIVERED + 1)
    result_of(webhooks.give_up(hook, KEEP_UNDELIVERED + 1, "drop", b"{}", "e", now=NOW))
    found = result_of(webhooks.undelivered(hook))
    assert (len(found), found[0].seq) == (KEEP_UNDELIVERED, 2)


def test_what_was_deleted_is_not_listed(database: Database, webhooks: WebhookRepository) -> None:
    """An entry that was deleted while its delivery was tried is skipped; a gap is listed."""
    hook = add(webhooks).id
    result_of(webhooks.give_up(hook, 4, "drop", b"secret", "410", now=NOW))
    result_of(webhooks.give_up(hook, 5, "outbox", b"secret", "410", now=NOW))
    assert result_of(webhooks.undelivered(hook)) == []
    assert result_of(webhooks.all())[0].cursor == 5
    result_of(webhooks.give_up(hook, 6, "gap", b"{}", "gone", now=NOW))
    assert [each.seq for each in result_of(webhooks.undelivered(hook))] == [6]


def test_undelivered_events_go_with_their_send(
    database: Database, webhooks: WebhookRepository, rows: Any
) -> None:
    """When a send is deleted, what was not delivered about it is deleted, however old it is."""
    hook = add(webhooks).id
    log_events(database, 4, 5)
    rows("INSERT INTO sends VALUES (7, 'message', x'00', 1, 'chat', '0', NULL, 1, NULL, 1)")
    rows("UPDATE events SET send_id = 7 WHERE seq = 4")
    for seq in (4, 5):
        result_of(webhooks.give_up(hook, seq, "outbox", b"{}", "410", now=NOW))
    rows("DELETE FROM events")
    rows("DELETE FROM sends")
    assert [each.seq for each in result_of(webhooks.undelivered(hook))] == [5]


def test_skipping_ends_a_row_of_failures(webhooks: WebhookRepository) -> None:
    """An entry that need not be delivered is no failure, and no success either."""
    hook = add(webhooks).id
    result_of(webhooks.failed(hook, "500"))
    result_of(webhooks.skip(hook, 4))
    [after] = result_of(webhooks.all())
    assert (after.cursor, after.failures, after.last_error, after.last_success) == (
        4,
        0,
        None,
        None,
    )


def test_a_deleted_webhook_is_gone(database: Database, webhooks: WebhookRepository) -> None:
    """Deleting a webhook deletes its undelivered entries, and nothing is recorded for it later."""
    log_events(database, 4, 9)
    hook, other = add(webhooks).id, add(webhooks)
    result_of(webhooks.give_up(hook, 4, "drop", b"{}", "410", now=NOW))
    assert result_of(webhooks.delete(hook)) is True
    assert result_of(webhooks.delete(hook)) is False
    assert result_of(webhooks.undelivered(hook)) == []
    result_of(webhooks.give_up(hook, 9, "drop", b"{}", "410", now=NOW))
    result_of(webhooks.failed(hook, "500"))
    result_of(webhooks.delivered(hook, 9, now=NOW))
    assert result_of(webhooks.undelivered(hook)) == []
    assert result_of(webhooks.all()) == [other]


def test_giving_up_ends_a_row_of_failures(webhooks: WebhookRepository) -> None:
    """After an entry was given up, the failures of the next one are counted from zero."""
    hook = add(webhooks).id
    result_of(webhooks.failed(hook, "500"))
    result_of(webhooks.give_up(hook, 4, "drop", b"{}", "410", now=NOW))
    (webhook,) = result_of(webhooks.all())
    assert (webhook.failures, webhook.last_error, webhook.last_success) == (0, "410", None)


def test_webhooks_show_no_secrets(database: Database, webhooks: WebhookRepository) -> None:
    """The repr of a webhook and of an undelivered entry has no URL, secret or content."""
    log_events(database, 4)
    webhook = add(webhooks)
    result_of(webhooks.give_up(webhook.id, 4, "drop", b"content", "410", now=NOW))
    listed = result_of(webhooks.undelivered(webhook.id))
    assert listed
    shown = repr(webhook) + repr(listed)
    assert not [each for each in ("localhost", "secret", "content") if each in shown]
