"""A database that the first version wrote: nothing of it is lost, and what it promised holds.

``tests/store/database/first_version/make.py`` says how it was made.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from qabel.core.errors import NotFound
from qabel.core.inbox.message_query import MessageQuery
from qabel.core.options import CoreOptions
from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.deferreds import result_of
from qabel.store.database.erasing import DELAY
from qabel.store.key_record import GivenKey
from tests.core.conftest import ClockedWorld

FOLDER = Path(__file__).parent.parent / "store" / "database" / "first_version"
KEY = bytes.fromhex((FOLDER / "qabel.key").read_text())


@pytest.fixture
def facts() -> dict[str, Any]:
    """Return what clients of the first version got last."""
    found: dict[str, Any] = json.loads((FOLDER / "facts.json").read_text())
    return found


@pytest.fixture
def core(clocked: ClockedWorld, facts: dict[str, Any]) -> CoreService:
    """Return a core on a copy of the database, a moment after it was closed; it is not started."""
    directory = clocked.folder / "old"
    directory.mkdir(mode=0o700)
    shutil.copy(FOLDER / "qabel.db", directory / "qabel.db")
    then = facts["outbox"][-1]["created"] / 1000
    core = clocked.run(
        CoreService.open(
            directory,
            GivenKey(KEY),
            network=clocked.drop_servers,
            reactor=clocked.clock,
            now=lambda: then + clocked.clock.seconds(),
            options=CoreOptions(push=False),
        )
    )
    clocked.cores.append(core)
    return core


def test_nothing_is_lost(clocked: ClockedWorld, core: CoreService, facts: dict[str, Any]) -> None:
    """Messages, people, sends and webhooks are as clients of the first version saw them."""
    page = clocked.run(core.inbox.read(MessageQuery(since="0")))
    assert json.loads(page.body or b"[]") == facts["messages"]
    assert core.inbox.messages == len(facts["messages"])
    synced = json.loads(core.synced.encoded)
    for kind in ("identities", "contacts", "drop_servers"):
        for now, then in zip(synced[kind], facts["synced"][kind], strict=True):
            assert {name: now[name] for name in then} == then
    sends = list(clocked.run(core.outbox.sends()))
    assert [each.id for each in sends] == [each["id"] for each in facts["outbox"]]
    states = [[to.state for to in each.recipients] for each in sends]
    assert states == [[to["state"] for to in each["recipients"]] for each in facts["outbox"]]
    assert len(core.webhooks.all()) == facts["webhooks"]


def test_cursors_go_on(clocked: ClockedWorld, core: CoreService, facts: dict[str, Any]) -> None:
    """A consumer, and a client with a cursor, get what comes after what they had."""
    rest = facts["messages"][1:]
    by_cursor = clocked.run(core.inbox.read(MessageQuery(since=facts["cursor"])))
    by_name = clocked.run(core.inbox.read(MessageQuery(consumer="reader")))
    assert json.loads(by_cursor.body or b"[]") == json.loads(by_name.body or b"[]") == rest


def test_tokens_end_with_their_identity(core: CoreService, facts: dict[str, Any]) -> None:
    """Tokens are valid as before, but for that of an identity that is no longer there."""
    assert [each.name for each in core.tokens.all()] == ["limited", "settings", "reading"]
    for value in facts["tokens"].values():
        assert core.tokens.check(value) is not None


def test_a_repeated_request_sends_nothing(
    clocked: ClockedWorld, core: CoreService, facts: dict[str, Any]
) -> None:
    """A key that was used before the upgrade gives its first answer; a deleted send has none."""

    def again(text: str) -> Any:
        content = facts["request"]["drop_message"] | {"data": {"msg": text}}
        draft = Draft(content["model_object"], content["data"], as_given=content)
        return clocked.run(core.outbox.send([1], 1, draft, idempotency_key=text))

    assert again("sent").id == facts["outbox"][0]["id"]
    with pytest.raises(NotFound):
        again("deleted")
    assert len(clocked.run(core.outbox.sends())) == len(facts["outbox"])


def test_ids_are_not_given_again(clocked: ClockedWorld, core: CoreService) -> None:
    """Neither the id of the deleted identity nor the present ones are given to a new one."""
    clocked.clock.advance(DELAY)
    added = clocked.run(core.people.add_identity("New"))
    assert added.id == 3
    used = core._base.database.run(
        lambda connection: connection.execute(
            "SELECT id FROM used_ids WHERE kind = 'identities' ORDER BY id"
        ).fetchall()
    )
    assert result_of(used) == [(1,), (2,), (3,)]
