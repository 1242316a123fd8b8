"""What became of messages after the first attempts to post them: the answer to who sends them."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
from attrs import define, field, frozen
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.core.errors import NotFound, StoreError
from qabel.core.sending.checked_send import CheckedSend
from qabel.core.sending.first_outcome import first_state
from qabel.core.sending.post_result import PostingKey, PostOutcome, PostResult
from qabel.core.sending.poster import Poster
from qabel.core.sending.views import (
    OutcomeView,
    RecipientOutcomeView,
    decode_outcomes,
    encode_outcomes,
    outcome_of,
)
from qabel.core.sending.waiting_reasons import TO_BE_SENT, WaitingReasons
from qabel.settings.items import Contact
from qabel.store.outbox.adding import Added
from qabel.store.outbox.idempotency import Idempotency
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import Posting, PostingQueue

PATIENCE = 5.0
"""Seconds that a client waits at most for the responses of the drop servers."""


@frozen(kw_only=True)
class Outcomes:
    """Posts what was stored, and knows what became of it."""

    _repository: OutboxRepository
    _poster: Poster
    _clock: IReactorTime
    _reasons: WaitingReasons

    _log = Logger()

    async def first(self, sent: Sequence[CheckedSend], added: Added) -> list[OutcomeView]:
        """Post what is due of sends that were stored, and return the outcomes of the attempts."""
        by_send = [
            (each, each.postings(send_id)) for each, send_id in zip(sent, added.ids, strict=True)
        ]
        first = _FirstAttempts(self._poster, added.ready)
        for each, postings in by_send:
            for _, keys in postings:
                first.expect(each.identity.public_key.raw, keys)
        attempts = await first.made(self._clock)
        return [
            await self._explained(_outcome(send_id, each, postings, attempts))
            for send_id, (each, postings) in zip(added.ids, by_send, strict=True)
        ]

    async def remember(self, given: Idempotency, outcomes: Sequence[OutcomeView]) -> None:
        """Store outcomes for repeated requests; without them, those get the state at that time."""
        try:
            await self._repository.answered(given, encode_outcomes(outcomes))
        except StoreError as error:
            # The message itself is stored, and perhaps sent: the request has not failed.
            self._log.warn(
                "Cannot store the outcome for an idempotency key: {error}", error=str(error)
            )

    async def again(self, added: Added) -> list[OutcomeView]:
        """Return the outcomes of the first request; if they were not stored, the state by now.

        Raises NotFound if a send was deleted.
        """
        if added.answer is not None:
            return decode_outcomes(added.answer)
        outcomes = []
        for send_id in added.ids:
            record = await self._repository.get(send_id)
            if record is None:
                raise NotFound(f"Message {send_id} was deleted from the outbox.")
            outcomes.append(outcome_of(record, self._reasons.of))
        return outcomes

    async def _explained(self, outcome: OutcomeView) -> OutcomeView:
        """Return an outcome that says of every delivery that is queued why it is."""
        unexplained = [each for each in outcome.recipients if each.is_unexplained]
        if not unexplained:
            return outcome
        known: dict[str, RecipientOutcomeView] = {}
        try:
            record = await self._repository.get(outcome.id)
        except StoreError as error:
            self._log.warn("Cannot read a new message again: {error}", error=str(error))
        else:
            if record is not None:
                now = outcome_of(record, self._reasons.of)
                known = {each.recipient: each for each in now.recipients}
        recipients = [
            known.get(each.recipient, msgspec.structs.replace(each, reason=TO_BE_SENT))
            if each.is_unexplained
            else each
            for each in outcome.recipients
        ]
        return msgspec.structs.replace(outcome, recipients=recipients)


def _outcome(
    send_id: int,
    sent: CheckedSend,
    postings: Sequence[tuple[Contact, Sequence[PostingKey]]],
    attempts: Mapping[PostingKey, PostResult],
) -> OutcomeView:
    recipients = [
        RecipientOutcomeView(
            contact.id,
            contact.public_key.hex,
            *first_state([attempts.get(key) for key in keys]),
            introduced=contact.public_key.raw in sent.introduced,
        )
        for contact, keys in postings
    ]
    return OutcomeView(send_id, sent.message.acknowledge_id, recipients)


@define(eq=False)
class _FirstAttempts:
    """Waits for the first attempts at postings, but for those in queues that are known to fail."""

    _poster: Poster
    _ready: Sequence[Posting]
    _due: set[PostingKey] = field(init=False)
    _attempts: dict[PostingKey, PostResult] = field(factory=dict, init=False)
    _waiting: dict[PostingKey, "Deferred[None]"] = field(factory=dict, init=False)
    _behind: dict[PostingQueue, None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._due = {(each.send_id, each.recipient, each.url) for each in self._ready}

    def expect(self, sender: bytes, keys: Sequence[PostingKey]) -> None:
        """Wait for these postings of a sender."""
        for key in keys:
            _, recipient, url = key
            queue = url, recipient, sender
            if key not in self._due:
                if self._poster.in_trouble(queue):
                    continue
                self._behind[queue] = None
            first = self._poster.first_attempt(key)
            self._waiting[key] = first.addCallbacks(partial(self._made, key), _given_up)

    async def made(self, clock: IReactorTime) -> Mapping[PostingKey, PostResult]:
        """Post what is ready, and return the results of the attempts."""
        waiting = list(self._waiting.values())
        self._poster.add(self._ready)
        for queue in self._behind:
            self._poster.release(queue)
        try:
            await DeferredList(waiting).addTimeout(PATIENCE, clock)
        except DeferredTimeout:
            for each in waiting:
                each.cancel()
        return self._attempts

    def _made(self, key: PostingKey, result: PostResult) -> None:
        self._attempts[key] = result
        if result.outcome is PostOutcome.FAILED:
            # What is behind it in its queue waits for it.
            for other, waiting in self._waiting.items():
                if other[1:] == key[1:] and other != key:
                    waiting.cancel()


def _given_up(failure: Failure) -> None:
    failure.trap(CancelledError)
