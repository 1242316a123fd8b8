"""Brings to the daemon what the user enters, one after the other, until it is accepted."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from attrs import define, field

from qabel.cli.api_client import ApiClient
from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.chat.timeline import PendingText, Timeline
from qabel.cli.errors import CommandError, ExitStatus

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between attempts: each pause is twice the last one."""


def send_text(client: ApiClient, conversation: TalkedTo, text: str, key: str) -> Any:
    """Send a message, once whatever happens to the request. Raises CommandError."""
    return client.request(
        "POST", conversation.path, body={"text": text}, headers={"Idempotency-Key": key}
    ).value


def new_key() -> str:
    """Return an Idempotency-Key that nobody else has."""
    return f"qabel chat {uuid.uuid4()}"


def is_passing(error: CommandError) -> bool:
    """Return whether a request may succeed when it is sent again."""
    is_unreachable = error.exit_status == ExitStatus.UNREACHABLE
    return is_unreachable or error.http_status == 429 or error.http_status >= 500


@define(eq=False)
class Courier:
    """Sends texts and read marks, on a thread of its own."""

    _client: ApiClient
    _conversation: TalkedTo
    _timeline: Timeline
    _on_change: Callable[[], None] = field(default=lambda: None)
    _pending: list[PendingText] = field(factory=list, init=False, repr=False)
    _jobs: deque[Callable[[], None]] = field(factory=deque, init=False)
    _changed: threading.Condition = field(factory=threading.Condition, init=False)
    _is_leaving: bool = field(default=False, init=False)
    _is_busy: bool = field(default=False, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    @property
    def pending(self) -> Sequence[PendingText]:
        """What was entered, and is no message yet."""
        with self._changed:
            return tuple(self._pending)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def send(self, text: str) -> None:
        """Have a text sent, after those that were entered before."""
        entered = PendingText(text, new_key(), self._timeline.newest)
        with self._changed:
            self._pending.append(entered)
        self.do(lambda: self._deliver(entered))

    def mark_read(self, cursor: str) -> None:
        """Have messages marked as read."""
        path = f"/chat/conversations/{self._conversation.id}/read"
        self.do(lambda: _quietly(lambda: self._client.put(path, {"upto": cursor})))

    def do(self, job: Callable[[], None]) -> None:
        """Have something done on the thread, after what was to be done before."""
        with self._changed:
            self._jobs.append(job)
            self._changed.notify_all()

    def finish(self, seconds: float) -> list[PendingText]:
        """Wait until all is done, but not for ever; return what the daemon does not have."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs and not self._is_busy, seconds)
            self._is_leaving = True
            self._changed.notify_all()
            return [each for each in self._pending if not each.failure]

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._jobs or self._is_leaving)
                if self._is_leaving:
                    return
                job, self._is_busy = self._jobs.popleft(), True
            job()

    def _deliver(self, entered: PendingText) -> None:
        pause = FIRST_PAUSE
        while not self._is_leaving:
            try:
                message = send_text(self._client, self._conversation, entered.text, entered.key)
            except CommandError as error:
                if not is_passing(error):
                    self._rejected(entered, error.message)
                    return
            else:
                self._timeline.add([message])
                self._accepted(entered, message["cursor"])
                return
            with self._changed:
                self._changed.wait_for(lambda: self._is_leaving, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _accepted(self, entered: PendingText, cursor: str) -> None:
        with self._changed:
            # What was entered later is another message, even if it is the same text.
            later = [each.behind(cursor) for each in self._pending if each.key != entered.key]
            self._pending[:] = later
        self._on_change()

    def _rejected(self, entered: PendingText, why: str) -> None:
        with self._changed:
            self._pending[:] = [
                each.rejected(why) if each.key == entered.key else each for each in self._pending
            ]
        self._on_change()


def _quietly(request: Callable[[], object]) -> None:
    """Send a request of which the user need not know that it failed: it comes again."""
    try:
        request()
    except CommandError:
        return
