"""Other processes that tell other people's messages from what may be ours.

A drop can hold far more messages of others than our own, and each costs a scalar product for each
identity to tell so. Threads share Python's lock, processes do not. Such a process is given no more
of a message than the 80 bytes that its box begins with, and gives one byte back: what is ours is
opened again by whoever asked, so that nothing that others wrote is ever read or parsed there.

Run as a module this is such a process. It speaks on its standard input and output: the number of
keys (4 bytes) and the keys; then again and again the number of headers (4 bytes) and the headers.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, cast

from attrs import define, field

from qabel.crypto import HEADER_SIZE, KEY_SIZE, BadBox, BoxOpener, PrivateKey
from qabel.priority import give_way_as_process, give_way_for_a_moment
from qabel.protection import protect_process

NUMBER = 4
"""Bytes of a number."""

FOREIGN, OURS = b"\0", b"\1"


@define(eq=False)
class _Child:
    """A process that sieves with certain keys."""

    keys: tuple[bytes, ...] = field(repr=False)
    process: "subprocess.Popen[bytes]"
    given: IO[bytes]
    answers: IO[bytes]

    def pick(self, headers: Sequence[bytes]) -> bytes:
        """Give a byte for each header. Raises OSError if the process ended."""
        self.given.write(len(headers).to_bytes(NUMBER) + b"".join(headers))
        self.given.flush()
        answer = self.answers.read(len(headers))
        if len(answer) != len(headers):
            raise OSError("the process ended")
        return answer

    def end(self) -> None:
        """End it. Its pipes are closed: it ends by itself then, and is helped along."""
        self.process.kill()
        for pipe in (self.given, self.answers):
            with suppress(OSError):
                pipe.close()
        self.process.wait()


class Sieve:
    """Processes that are started when there is much to do, and ended when it is done.

    Every method may be called from any thread; ``pick`` blocks.
    """

    def __init__(self, most: int = os.cpu_count() or 1) -> None:
        """Prepare. ``most`` is how many processes there may be."""
        self._room = threading.Semaphore(most)
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        self._broken = False

    def pick(self, identities: Sequence[PrivateKey], headers: Sequence[bytes]) -> bytes | None:
        """Tell which messages are for one of the identities, by the headers of their boxes.

        Args:
            identities: whose messages to look for.
            headers: 80 bytes of each message, as ``qabel.drop.transport.header_of`` gives them.

        Returns:
            A byte for each message, ``OURS`` or ``FOREIGN``; or None if there can be no process
            here, as in an application that brings no Python interpreter along.

        """
        keys = tuple(identity.raw for identity in identities)
        with self._room:
            child = self._take(keys)
            if child is None:
                return None
            try:
                answer = child.pick(headers)
            except OSError:
                child.end()
                return None
            with self._lock:
                self._idle.append(child)
            return answer

    def end(self) -> None:
        """End the processes that have nothing to do; others come when there is more."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _take(self, keys: tuple[bytes, ...]) -> _Child | None:
        with self._lock:
            for child in self._idle:
                if child.keys == keys:
                    self._idle.remove(child)
                    return child
            others, self._idle = self._idle, []
            if self._broken:
                return None
        for child in others:
            child.end()
        try:
            return _start(keys)
        except OSError:
            self._broken = True
            return None


def _start(keys: tuple[bytes, ...]) -> _Child:
    # The keys go through the pipe: command lines and environments can be looked at by others.
    process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this, and this module
        [sys.executable, "-P", "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        # Out of reach of the terminal's Ctrl-C, but in the same session: the system shares the
        # processors between sessions first, and would give a session of its own as much as the
        # daemon, however low its priority.
        process_group=0,
    )
    given, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    child = _Child(keys, process, given, answers)
    try:
        given.write(len(keys).to_bytes(NUMBER) + b"".join(keys))
        given.flush()
    except OSError:
        child.end()
        raise
    return child


def main(given: IO[bytes], answers: IO[bytes]) -> None:
    """Sieve what is given until there is no more; whoever answers the user goes first."""
    give_way_as_process()
    count = int.from_bytes(given.read(NUMBER))
    openers = [BoxOpener(PrivateKey(given.read(KEY_SIZE))) for _ in range(count)]
    while head := given.read(NUMBER):
        size = int.from_bytes(head) * HEADER_SIZE
        headers = given.read(size)
        if len(headers) != size:
            return
        marks = (
            _look(openers, headers[start : start + HEADER_SIZE])
            for start in range(0, size, HEADER_SIZE)
        )
        answers.write(b"".join(marks))
        answers.flush()


def _look(openers: Sequence[BoxOpener], header: bytes) -> bytes:
    give_way_for_a_moment()
    for opener in openers:
        try:
            if opener.open_header(header) is not None:
                return OURS
        except BadBox:
            return FOREIGN
    return FOREIGN


if __name__ == "__main__":
    protect_process()
    main(sys.stdin.buffer, sys.stdout.buffer)
