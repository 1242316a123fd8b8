"""A timeline follows what the daemon tells, and what it does not tell while it is away."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from attrs import define, field

from qabel.cli.chat.timeline import Timeline, place
from qabel.cli.chat.watcher import LOST, Watcher, load_page
from qabel.cli.errors import CommandError
from qabel.cli.sse import Event
from tests.cli.chat.prepared_daemon import HERE, PreparedDaemon, chat_message, prepared_daemon
from tests.cli.prepared_server import json_response, problem_response


@define(eq=False)
class Conversation:
    """A conversation as a daemon has it."""

    messages: dict[int, dict[str, Any]] = field(factory=dict)

    def has(self, *messages: dict[str, Any]) -> None:
        """Add messages."""
        self.messages.update({each["id"]: each for each in messages})

    def respond(self, target: str) -> bytes:
        """Return what a daemon responds."""
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/chat/messages/"):
            found = self.messages.get(int(url.path.rpartition("/")[2]))
            return problem_response(404, detail="No") if found is None else json_response(found)
        ordered = sorted(self.messages.values(), key=lambda each: place(each["cursor"]))
        limit = int(query["limit"])
        if "after" in query:
            newer = [each for each in ordered if place(each["cursor"]) > place(query["after"])]
            page = newer[:limit][::-1]
            cursor = page[0]["cursor"] if page else query["after"]
        else:
            if "before" in query:
                before = place(query["before"])
                ordered = [each for each in ordered if place(each["cursor"]) < before]
            page = ordered[::-1][:limit]
            cursor = page[-1]["cursor"] if page else "0-0"
        return json_response({"messages": page, "cursor": cursor})


@contextmanager
def watching(
    folder: Path, *messages: dict[str, Any]
) -> Iterator[tuple[Conversation, Timeline, Watcher, PreparedDaemon]]:
    """Load a conversation, and be ready to take events of it."""
    there = Conversation()
    there.has(*messages)
    with prepared_daemon(folder, there.respond) as daemon:
        timeline = Timeline()
        load_page(daemon.client, HERE, timeline, 20)
        watcher = Watcher(daemon.client, HERE, timeline, lambda: None, lambda _: None)
        yield there, timeline, watcher, daemon


def told(kind: str, **data: Any) -> Event:
    """Return an event, of this conversation unless it says otherwise."""
    return Event(kind, json.dumps({"conversation": HERE.id, **data}), "1")


def ids(timeline: Timeline) -> list[int]:
    """Return the ids of what is known."""
    return [each["id"] for each in timeline.messages]


def test_what_came_before_the_stream_was_open(tmp_path: Path) -> None:
    """It is loaded as soon as the daemon tells anything."""
    with watching(tmp_path, chat_message(1)) as (there, timeline, watcher, _):
        there.has(chat_message(2))
        watcher.take(None)
        assert ids(timeline) == [1, 2]


def test_a_message_is_loaded_when_it_is_told_of(tmp_path: Path) -> None:
    """So is one in front of a message that was sent from here meanwhile."""
    with watching(tmp_path, chat_message(1)) as (there, timeline, watcher, _):
        watcher.take(None)
        there.has(chat_message(2), chat_message(3, "out"))
        timeline.add([chat_message(3, "out")])
        watcher.take(told("chat.message", id=2))
        assert ids(timeline) == [1, 2, 3]
        there.has({**chat_message(4), "cursor": "1-5"})
        watcher.take(told("chat.message", id=4))
        assert ids(timeline) == [1, 4, 2, 3]
        watcher.take(told("chat.message", id=99))
        there.has({**chat_message(4), "cursor": "1-5", "text": "mended"})
        watcher.take(told("chat.message", id=4))
        assert timeline.messages[1]["text"] == "mended"


def test_a_text_that_is_completed_later(tmp_path: Path) -> None:
    """Of the missing part only the counts tell; without such a text nothing is asked then."""
    half = {**chat_message(2), "text": "Half", "incomplete": True}
    with watching(tmp_path, chat_message(1), half) as (there, timeline, watcher, daemon):
        watcher.take(None)
        there.has({**chat_message(2), "text": "Half and half"})
        watcher.take(told("chat.unread"))
        assert timeline.messages[1]["text"] == "Half and half"
        before = len(daemon.asked)
        watcher.take(told("chat.unread"))
        assert len(daemon.asked) == before


def test_other_conversations_cost_nothing(tmp_path: Path) -> None:
    """Of their events nothing is asked."""
    with watching(tmp_path, chat_message(1)) as (_, timeline, watcher, daemon):
        watcher.take(None)
        before = len(daemon.asked)
        watcher.take(told("chat.message", id=2, conversation="cd" * 16))
        watcher.take(None)
        assert len(daemon.asked) == before
        assert ids(timeline) == [1]


def test_states(tmp_path: Path) -> None:
    """They are what is told, with the reason of a failure."""
    mine = chat_message(1, "out", state="queued"), chat_message(2, "out", state="queued")
    with watching(tmp_path, *mine) as (_, timeline, watcher, _):
        watcher.take(None)
        watcher.take(told("chat.state", id=1, state="sent"))
        for contact in (6, 5):
            reason = f"Reason of {contact}"
            watcher.take(told("outbox", contact_id=contact, state="failed", reason=reason))
        watcher.take(told("chat.state", id=2, state="failed"))
        assert [each["state"] for each in timeline.messages] == ["sent", "failed"]
        assert timeline.messages[1]["reason"] == "Reason of 5"


def test_from_time_to_time_all_is_asked_for(tmp_path: Path) -> None:
    """A daemon that is far behind does not tell of each message, or what became of it."""
    with watching(tmp_path, chat_message(1, "out", state="sent")) as (there, timeline, watcher, _):
        watcher.take(None)
        there.has(chat_message(1, "out", state="acknowledged"), chat_message(2))
        watcher.take(None)
        assert ids(timeline) == [1, 2]
        assert timeline.messages[0]["state"] == "acknowledged"


def test_more_than_a_page_was_missed(tmp_path: Path) -> None:
    """All of it is loaded."""
    with watching(tmp_path, chat_message(1)) as (there, timeline, watcher, _):
        there.has(*map(chat_message, range(2, 500)))
        watcher.take(None)
        assert ids(timeline) == list(range(1, 500))


def test_earlier_pages(tmp_path: Path) -> None:
    """They are loaded in front of what is known, until there are no more."""
    with watching(tmp_path, *map(chat_message, range(1, 31))) as (_, timeline, _, daemon):
        assert ids(timeline) == list(range(11, 31))
        assert load_page(daemon.client, HERE, timeline, 20) == 10
        assert load_page(daemon.client, HERE, timeline, 20) == 0
        assert ids(timeline) == list(range(1, 31))


class _Enough(Exception):
    """The test has seen enough."""


def test_a_daemon_that_is_away(tmp_path: Path) -> None:
    """It is asked again with growing pauses, and the view says that meanwhile."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            raise _Enough

    with prepared_daemon(tmp_path, lambda _: b"") as daemon:
        seen: list[str] = []
        watcher = Watcher(
            daemon.client, HERE, Timeline(), lambda: seen.append(watcher.trouble), lambda _: None,
            sleep=sleep,
        )  # fmt: skip
        with suppress(_Enough):
            watcher.run()
        assert pauses == [0.2, 0.4, 0.8, 1.6]
        assert set(seen) == {LOST}


def test_a_token_that_may_not_see_the_outbox(tmp_path: Path) -> None:
    """The view goes on without the reasons of failures; if it may see nothing, it ends."""
    with prepared_daemon(
        tmp_path, lambda _: problem_response(403, detail="Not allowed.")
    ) as daemon:
        ends: list[CommandError] = []
        Watcher(daemon.client, HERE, Timeline(), lambda: None, ends.append).run()
        first, second = daemon.asked
        assert "outbox" in first
        assert "outbox" not in second
        assert [each.message for each in ends] == ["Not allowed."]
