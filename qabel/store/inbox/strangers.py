"""Strangers: how much is kept of their messages, and which of them."""

from collections.abc import Iterable, Mapping, Sequence

import attrs
from twisted.internet.defer import Deferred

from qabel.store.database.connection import Connection, fetch_one
from qabel.store.database.database import Database
from qabel.store.inbox import refused as rejects
from qabel.store.inbox import seen
from qabel.store.inbox.copies import Copies
from qabel.store.inbox.message_rows import NewMessage
from qabel.store.inbox.refused import Reason, Refused, pair_digest

Pair = tuple[bytes, bytes]
"""The public keys of an identity and of somebody who writes to it."""


@attrs.frozen
class StrangerLimits:
    """Which strangers' messages are kept, and how much of them in all."""

    reasons: frozenset[Reason]
    """Of ``STRANGER`` and ``INTRODUCED``, the ones whose messages are kept while there is room."""
    quota: int
    """Bytes of JSON text."""


DEFAULT_LIMITS = StrangerLimits(frozenset({Reason.STRANGER, Reason.INTRODUCED}), 64 * 1024 * 1024)


@attrs.frozen
class StrangerCounts:
    """What is kept of strangers, and what is not."""

    kept_bytes: int
    """The JSON text of all messages of strangers."""
    refused: dict[Reason, int]
    """How many messages were not kept that drop servers may still have."""

    @property
    def strangers_refused(self) -> int:
        """How many of them are strangers'."""
        return self.refused[Reason.STRANGER] + self.refused[Reason.INTRODUCED]

    def lacking_room(self, limits: StrangerLimits) -> int:
        """Return how many of them would be kept if there were room."""
        return sum(self.refused[reason] for reason in limits.reasons)


def kept_bytes(connection: Connection) -> int:
    """Return the bytes of JSON text that are kept of strangers."""
    return int(fetch_one(connection, "SELECT stranger_bytes FROM state")[0])


def admit(
    connection: Connection, new: Iterable[NewMessage], limits: StrangerLimits, copies: Copies
) -> tuple[list[NewMessage], list[Refused]]:
    """Decide which messages are kept, and record these as our own.

    It is decided in the transaction that stores them: batches from several drops come at the same
    time, and together they must not exceed the quota.

    Returns:
        Those to keep, and those of strangers for whom there is no room; not those known before, nor
        copies of messages from other drops.

    """
    room = limits.quota - kept_bytes(connection)
    kept: list[NewMessage] = []
    refused: list[Refused] = []
    for each in new:
        reason = Reason.STRANGER if each.meta_data is None else Reason.INTRODUCED
        if each.stranger and (reason not in limits.reasons or each.stranger > room):
            if not seen.is_own(connection, each.hash):
                pair = pair_digest(each.receiver, each.sender)
                refused.append(Refused(each.hash, reason, each.stranger, pair))
        elif seen.add_own(connection, each.hash) and not copies.is_copy(each):
            kept.append(each)
            room -= each.stranger
    return kept, refused


def now_known(connection: Connection, contacts: Mapping[Pair, int]) -> None:
    """Assign the messages of strangers who are contacts now to the contacts.

    ``contacts`` are the identities with their contacts, and the ids of these.
    """
    connection.executemany(
        "UPDATE messages SET stranger = 0, contact_id = ? "
        "WHERE stranger > 0 AND sender = ? AND receiver = ?",
        ((number, sender, receiver) for (receiver, sender), number in contacts.items()),
    )


@attrs.frozen(eq=False)
class StrangerRepository:
    """The repository of what is kept of strangers, and of what was not kept."""

    _database: Database

    def counts(self) -> "Deferred[StrangerCounts]":
        """Return how much is kept, and how many messages were not."""
        return self._database.run(_count)

    def look_again(self, limits: StrangerLimits, urls: Sequence[str]) -> "Deferred[set[str]]":
        """Forget the hashes of strangers' messages that can be kept now.

        Args:
            limits: what is kept of strangers.
            urls: the drops that may be read in full now.

        Returns:
            The URLs of the drops to read in full: they have such messages.

        """

        def work(connection: Connection) -> set[str]:
            room = limits.quota - kept_bytes(connection)
            return rejects.forget_fitting(connection, room, limits.reasons, urls)

        return self._database.run(work)

    def recognize(
        self, contacts: Mapping[Pair, int], blocked: Iterable[Pair] | None
    ) -> "Deferred[set[str]]":
        """Have new contacts no longer count as strangers, nor unblocked senders as blocked.

        Args:
            contacts: identities with new contacts of theirs, and the ids of these.
            blocked: all identities with the keys that are blocked; None if none was unblocked.

        Returns:
            The URLs of the drops to read in full: they have messages of these senders.

        """

        def work(connection: Connection) -> set[str]:
            if kept_bytes(connection):
                now_known(connection, contacts)
            return rejects.forget_of_known(
                connection,
                (pair_digest(*each) for each in contacts),
                None if blocked is None else (pair_digest(*each) for each in blocked),
            )

        return self._database.run(work)


def _count(connection: Connection) -> StrangerCounts:
    return StrangerCounts(kept_bytes(connection), rejects.count_refused(connection))
