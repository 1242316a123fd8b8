"""Keeps a timeline up to date as the daemon tells of news, also when connections are lost."""

import json
import time
from collections import deque
from collections.abc import Callable

from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.chat.timeline import Timeline
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.event_stream import FIRST_PAUSE, LONGEST_PAUSE, EventStream
from qabel.cli.sse import Event

PAGE = 200
RECENT = 50
"""Messages of which the state is asked for again after a loss."""

LOST = "Connection lost. Reconnecting until the daemon is back."

_KINDS = ("chat.message", "chat.state", "chat.unread")
_REASONS = "outbox"
"""The kind of events that say why a message failed; not every token may see them."""


def load_page(client: ApiClient, conversation: TalkedTo, timeline: Timeline, limit: int) -> int:
    """Load messages in front of those that are known; return how many there were."""
    page = client.get(conversation.path, before=timeline.oldest, limit=limit)["messages"]
    timeline.add(page)
    return len(page)


@define(eq=False)
class Watcher:
    """Follows a conversation.

    Args:
        client: asks the daemon.
        conversation: what is followed.
        timeline: what is kept up to date.
        on_change: called when there is something new to be shown.
        on_end: called with the error after which nothing more comes.
        sleep: waits for a number of seconds.

    """

    _client: ApiClient
    _conversation: TalkedTo
    _timeline: Timeline
    _on_change: Callable[[], None]
    _on_end: Callable[[CommandError], None]
    _sleep: Callable[[float], None] = time.sleep
    trouble: str = field(default="", init=False)
    """What is wrong with the connection; empty if it is there."""
    _kinds: tuple[str, ...] = field(default=(*_KINDS, _REASONS), init=False)
    _is_behind: bool = field(default=True, init=False)
    """Whether there may be news that were not told."""
    _has_news: bool = field(default=False, init=False)
    _reasons: deque[str] = field(factory=deque, init=False, repr=False)
    _upto: str = field(init=False)
    """The cursor of the newest message that was loaded. One that was sent may be further ahead."""

    def __attrs_post_init__(self) -> None:
        self._upto = self._timeline.newest

    def run(self) -> None:
        """Follow until the daemon rejects that."""
        cursor: str | None = None
        pause = FIRST_PAUSE
        while True:
            stream = EventStream(
                self._client, self._kinds, cursor,
                on_loss=self._lost, on_gap=self._lost, on_open=self._opened, sleep=self._sleep,
            )  # fmt: skip
            try:
                for event in stream.events():
                    self.take(event)
                    pause = FIRST_PAUSE
            except CommandError as error:
                if error.http_status == 403 and _REASONS in self._kinds:
                    self._kinds = _KINDS
                elif error.exit_status == ExitStatus.UNREACHABLE or error.http_status >= 500:
                    self._lost(LOST)
                    self._sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                else:
                    self._on_end(error)
                    return
            cursor = stream.cursor

    def take(self, event: Event | None) -> None:
        """Take an event, or None if there is none for now. Raises CommandError."""
        if event is not None:
            self._has_news = True
            self._take(event)
        elif not self._has_news:
            # From time to time: a module that is far behind does not tell of each message.
            self._is_behind = self._is_behind or self._timeline.is_unsettled
            self._refresh()
        else:
            self._has_news = False
        if self._is_behind:
            self._refresh()
        if self.trouble:
            self.trouble = ""
        self._on_change()

    def _take(self, event: Event) -> None:
        data = json.loads(event.data)
        if event.kind == _REASONS:
            is_here = data["contact_id"] == self._conversation.contact_id
            if is_here and data["state"] == "failed":
                self._reasons.append(str(data["reason"] or ""))
        elif data.get("conversation") != self._conversation.id:
            return
        elif event.kind == "chat.message":
            self._load(data["id"])
        elif event.kind == "chat.state":
            failed = data["state"] == "failed"
            reason = self._reasons.popleft() if failed and self._reasons else ""
            self._timeline.change_state(data["id"], data["state"], reason)
        elif event.kind == "chat.unread":
            # It may have been a part that was missing of a text.
            for each in self._timeline.incomplete:
                self._load(each)

    def _refresh(self) -> None:
        self._load_newer()
        if self._is_behind:
            found = self._client.get(self._conversation.path, limit=RECENT)["messages"]
            self._timeline.add(found)
            self._is_behind = False

    def _load(self, number: int) -> None:
        """Load a message of which the daemon has told, and what is newer."""
        was_known = self._timeline.has(number)
        if not was_known:
            self._load_newer()
        if was_known or not self._timeline.has(number):
            # It was mended, or it belongs in front of others.
            try:
                self._timeline.add([self._client.get(f"/chat/messages/{number}")])
            except CommandError as error:
                if error.exit_status != ExitStatus.NOT_FOUND:
                    raise

    def _load_newer(self) -> None:
        while True:
            found = self._client.get(self._conversation.path, after=self._upto, limit=PAGE)
            if not found["messages"]:
                return
            self._timeline.add(found["messages"])
            self._upto = found["cursor"]

    def _opened(self) -> None:
        self._is_behind, self._has_news = True, False

    def _lost(self, text: str) -> None:
        self.trouble = text
        self._on_change()
