"""Webhooks: their cursors, their failures, and what could not be delivered."""

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


def test_undelivered_entries_are_listed(webhooks: WebhookRepository) -> None:
    """An entry that was given up is skipped, and listed until it is removed from the list."""
    hook = add(webhooks).id
    for seq in (4, 6):
        result_of(webhooks.give_up(hook, seq, "drop", b"{}", "410", now=NOW))
    assert result_of(webhooks.all())[0].cursor == 6
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
            "INSERT INTO undelivered VALUES (?, ?, 'drop', x'7b7d', 'e', 0)",
            [(hook, seq) for seq in range(1, KEEP_UNDELIVERED + 1)],
        )

    result_of(database.run(fill))
    result_of(webhooks.give_up(hook, KEEP_UNDELIVERED + 1, "drop", b"{}", "e", now=NOW))
    found = result_of(webhooks.undelivered(hook))
    assert (len(found), found[0].seq) == (KEEP_UNDELIVERED, 2)


def test_a_deleted_webhook_is_gone(webhooks: WebhookRepository) -> None:
    """Deleting a webhook deletes its undelivered entries, and nothing is recorded for it later."""
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


def test_webhooks_show_no_secrets(webhooks: WebhookRepository) -> None:
    """The repr of a webhook and of an undelivered entry has no URL, secret or content."""
    webhook = add(webhooks)
    result_of(webhooks.give_up(webhook.id, 4, "drop", b"content", "410", now=NOW))
    shown = repr(webhook) + repr(result_of(webhooks.undelivered(webhook.id)))
    assert not [each for each in ("localhost", "secret", "content") if each in shown]
