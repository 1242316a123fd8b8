"""The live view of a conversation: messages, and below them a line to type into.

It takes the whole terminal, on its alternate screen: no message stays behind in what can be
scrolled back to. It is imported only when it is shown, as that takes its time.
"""

import asyncio
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import define, field
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, Dimension, FormattedTextControl, HSplit, Layout
from prompt_toolkit.layout.containers import Window
from prompt_toolkit.layout.controls import UIContent, UIControl
from prompt_toolkit.layout.processors import BeforeInput
from prompt_toolkit.output.color_depth import ColorDepth
from prompt_toolkit.styles import Style

from qabel.cli.chat.conversation import TalkedTo
from qabel.cli.chat.courier import Courier
from qabel.cli.chat.message_lines import MessageLines, SideNames, window
from qabel.cli.chat.timeline import NOTHING, PendingText, Timeline, not_there_yet, place
from qabel.cli.chat.watcher import Watcher, load_page
from qabel.cli.context import Session
from qabel.cli.errors import CommandError, ExitStatus
from qabel.cli.text import clip, visible
from qabel.cli.units import count
from qabel.host.standard_streams import wants_color

INPUT_HEIGHT = 6
"""Lines of the text that is being typed, at most; longer ones are scrolled."""

OLDER = 100
"""Messages that are loaded at once when the view is scrolled up."""

PATIENCE = 5.0
"""Seconds to wait at the end for the daemon to take what was entered."""

HELP = "Enter sends, Alt-Enter begins a line, Ctrl-D ends"

STYLE = Style.from_dict(
    {"dim": "fg:ansibrightblack", "own": "fg:ansigreen bold", "other": "fg:ansicyan bold",
     "red": "fg:ansired", "status": "reverse"}
)  # fmt: skip


def show_live(session: Session, conversation: TalkedTo, limit: int) -> None:
    """Show a conversation until the user ends that. Raises CommandError or KeyboardInterrupt."""
    timeline = Timeline()
    load_page(session.client, conversation, timeline, limit)
    view = LiveView(session, conversation, timeline)
    view.run()


@define(eq=False)
class MessagesControl(UIControl):
    """The messages, as many as fit."""

    _lines: Callable[[int, int], list[StyleAndTextTuples]]

    def create_content(self, width: int, height: int) -> UIContent:
        """Return the lines for a size."""
        lines = self._lines(width, height)
        return UIContent(lambda index: lines[index], line_count=len(lines), show_cursor=False)

    def is_focusable(self) -> bool:
        """Return False: text is typed elsewhere."""
        return False


@define(eq=False)
class LiveView:
    """The terminal, and the two threads that talk to the daemon."""

    _session: Session
    _conversation: TalkedTo
    _timeline: Timeline
    _app: "Application[None]" = field(init=False)
    _buffer: Buffer = field(init=False)
    _courier: Courier = field(init=False)
    _watcher: Watcher = field(init=False)
    _rows: MessageLines = field(init=False)
    _offset: int = field(default=0, init=False)
    _height: int = field(default=1, init=False)
    _read: str = field(default=NOTHING, init=False)
    _is_loading: bool = field(default=False, init=False)
    _is_complete: bool = field(default=False, init=False)
    """Whether the oldest message is there."""

    def __attrs_post_init__(self) -> None:
        client, conversation = self._session.client, self._conversation
        draft = conversation.draft or ""
        self._buffer = Buffer(multiline=True, document=Document(draft, len(draft)))
        self._rows = MessageLines(SideNames(conversation.own, conversation.other))
        self._courier = Courier(client, conversation, self._timeline, self._changed)
        self._watcher = Watcher(
            client, conversation, self._timeline, on_change=self._changed, on_end=self._end
        )
        is_plain = not wants_color(self._session.out.out)
        self._app = Application(
            layout=Layout(self._layout()),
            key_bindings=self._keys(),
            style=STYLE,
            full_screen=True,
            color_depth=ColorDepth.DEPTH_1_BIT if is_plain else None,
            after_render=lambda _: self._mark_read(),
        )

    def run(self) -> None:
        """Show it until the user ends that. Raises CommandError or KeyboardInterrupt."""
        self._courier.start()
        left: list[PendingText] = []
        try:
            # The end of the input: the terminal is gone.
            with suppress(EOFError):
                self._app.run(pre_run=self._begin)
        finally:
            self._keep_draft()
            left = self._leave()
        if left:
            raise CommandError(
                f"The daemon did not accept {count(len(left), 'message')}",
                hint="Send again when it is back: qabel chat",
                exit_status=ExitStatus.UNREACHABLE,
            )

    def _begin(self) -> None:
        """Begin to watch: not before there is an event loop, which news are told to."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGHUP):
            # The terminal is to be left as it was.
            loop.add_signal_handler(each, self._exit, SystemExit(128 + each))
        threading.Thread(target=self._watcher.run, daemon=True).start()

    def _leave(self) -> list[PendingText]:
        """Wait for the daemon to take what was entered; return what it has not taken."""
        with self._session.out.progress("sending"):
            left = self._courier.finish(0 if self._watcher.trouble else PATIENCE)
        for each in left:
            self._session.out.note(f"Not sent: {each.text}", "")
        return left

    def _keep_draft(self) -> None:
        text = self._buffer.text if self._buffer.text.strip() else None
        if text != self._conversation.draft:
            path = f"/chat/conversations/{self._conversation.id}"
            client = self._session.client
            self._courier.do(lambda: _ignoring(lambda: client.patch(path, {"draft": text})))

    def _layout(self) -> HSplit:
        status = FormattedTextControl(self._status)
        typed = BufferControl(self._buffer, input_processors=[BeforeInput("> ")])
        return HSplit(
            [
                Window(MessagesControl(self._lines), height=Dimension(min=1, weight=1)),
                Window(status, height=1, style="class:status"),
                Window(
                    typed,
                    height=lambda: Dimension(min=1, max=min(INPUT_HEIGHT, self._third())),
                    wrap_lines=True,
                    dont_extend_height=True,
                ),
            ]
        )

    def _third(self) -> int:
        return max(self._app.output.get_size().rows // 3, 1)

    def _lines(self, width: int, height: int) -> list[StyleAndTextTuples]:
        messages = self._timeline.messages
        pending = not_there_yet(messages, self._courier.pending)
        self._height = height
        lines, offset = window(
            self._rows.newest_first(messages, pending, width), height, self._offset
        )
        if offset < self._offset or len(lines) < height:
            self._load_older()
        if self._is_complete:
            # Until then, there may be what is scrolled to, when it is loaded.
            self._offset = offset
        shown: list[StyleAndTextTuples] = [[] for _ in range(height - len(lines))]
        return shown + [[(f"class:{style}" if style else "", text) for style, text in each]
                        for each in lines]  # fmt: skip

    def _status(self) -> StyleAndTextTuples:
        own, other = visible(self._conversation.own), visible(self._conversation.other)
        text = self._watcher.trouble or f"{other} (you are {own}). {HELP}"
        if self._offset:
            text = f"PageDown leads to the newest message. {text}"
        return [("", clip(f" {text}", self._app.output.get_size().columns))]

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        keys.add("enter")(lambda _: self._enter())
        keys.add("escape", "enter")(lambda event: event.current_buffer.newline())
        keys.add("c-d")(lambda event: event.app.exit())
        keys.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
        keys.add("c-l")(lambda event: event.app.renderer.clear())
        keys.add("c-z")(_suspend)
        keys.add("pageup")(lambda _: self._scroll(1))
        keys.add("pagedown")(lambda _: self._scroll(-1))
        return keys

    def _enter(self) -> None:
        if self._buffer.text.strip():
            self._courier.send(self._buffer.text)
            self._buffer.reset()
            self._offset = 0

    def _scroll(self, way: int) -> None:
        self._offset = max(self._offset + way * max(self._height - 1, 1), 0)

    def _load_older(self) -> None:
        if not self._is_loading and not self._is_complete:
            self._is_loading = True
            self._courier.do(lambda: _ignoring(self._older))

    def _older(self) -> None:
        try:
            found = load_page(self._session.client, self._conversation, self._timeline, OLDER)
            self._is_complete = found < OLDER
        finally:
            self._is_loading = False
        self._changed()

    def _mark_read(self) -> None:
        newest = self._timeline.newest_received
        if not self._offset and place(newest) > place(self._read):
            self._read = newest
            self._courier.mark_read(newest)

    def _changed(self) -> None:
        self._app.invalidate()

    def _end(self, error: CommandError) -> None:
        loop = self._app.loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(self._exit, error)

    def _exit(self, error: BaseException) -> None:
        if self._app.future is not None and not self._app.future.done():
            self._app.exit(exception=error)


def _suspend(event: KeyPressEvent) -> None:
    event.app.suspend_to_background()


def _ignoring(request: Callable[[], Any]) -> None:
    try:
        request()
    except CommandError:
        return
