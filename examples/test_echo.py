"""A bot that replies to its contacts from inside the daemon's process, and a test of it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from twisted.internet import reactor

from qabel.core.inbox.message_query import MessageQuery
from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService
from qabel.testing.correspondents import Correspondents


async def reply_to_all(core: CoreService) -> None:
    """Reply to each message from a contact that is new to the bot."""
    page = await core.inbox.read(MessageQuery(consumer="echo"), poll_first=True)
    for message in json.loads(page.body or "[]"):
        if message["contact_id"] is not None:
            draft = Draft("chat", {"msg": f"You said: {message['data']['msg']}"})
            await core.outbox.send([message["contact_id"]], message["identity_id"], draft)
    await page.handed_over()


@pytest_twisted.async_yield_fixture
async def world(tmp_path: Path) -> AsyncIterator[Correspondents]:
    """Provide people, whose cores are closed after the test."""
    correspondents = Correspondents(tmp_path, reactor)
    yield correspondents
    await correspondents.close()


@pytest_twisted.ensureDeferred
async def test_replies_to_contact(world: Correspondents) -> None:
    """The bot replies to each message of a contact once."""
    alice, bot = await world.friends()
    await world.say(alice, "Is anybody there?")
    await reply_to_all(bot)
    await reply_to_all(bot)
    [reply] = await world.heard(alice)
    assert reply["data"] == {"msg": "You said: Is anybody there?"}
