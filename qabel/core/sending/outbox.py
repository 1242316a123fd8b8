"""Sending: a message is checked, sealed and stored before any of it is posted."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from attrs import evolve, field, frozen
from twisted.internet.defer import CancelledError, DeferredList
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from qabel.contract.access import EVERYTHING, Access
from qabel.core.errors import Conflict, NotFound, StoreError, Unauthorized
from qabel.core.people.references import Reference
from qabel.core.sending.checked_send import CheckedSend, check_send
from qabel.core.sending.compose import Draft
from qabel.core.sending.first_outcome import first_state
from qabel.core.sending.heard_from import HeardFrom
from qabel.core.sending.introductions import AUTO, Introducing
from qabel.core.sending.post_result import PostingKey, PostResult
from qabel.core.sending.poster import Poster
from qabel.core.sending.request_digest import request_digest
from qabel.core.sending.send_schedule import SOON_AFTER
from qabel.core.sending.sending_order import SendingOrder, Turn
from qabel.core.sending.time_stamps import TimeStamps
from qabel.core.sending.views import (
    OutcomeView,
    RecipientOutcomeView,
    SendView,
    decode_outcome,
    outcome_of,
    send_view,
)
from qabel.core.sending.waiting_reasons import TO_BE_SENT, WaitingReasons
from qabel.core.workers import Workers
from qabel.deferreds import shielded
from qabel.jsontext import encode as encode_json
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.idempotency import Idempotency, IdempotencyMismatch
from qabel.store.outbox.records import SendFilter, SendRecord
from qabel.store.outbox.repository import Added, OutboxRepository
from qabel.store.tokens import TokenRevoked

PATIENCE = 5.0
"""Seconds that a client waits at most for the responses of the drop servers."""


@frozen(kw_only=True)
class Outbox:
    """The outbox, as clients see it.

    It is a view of what the caller may see, and what it sends is the caller's own.
    """

    _repository: OutboxRepository
    _poster: Poster
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _stamps: TimeStamps
    _heard: HeardFrom
    _clock: IReactorTime
    _now: Callable[[], float]
    _access: Access = EVERYTHING
    _order: SendingOrder = field(factory=SendingOrder)
    _introduce: Callable[[], str] = lambda: AUTO
    """Returns the setting ``privacy.introduce``."""

    _log = Logger()

    def seen_by(self, access: Access) -> "Outbox":
        """Return the view of a caller."""
        return evolve(self, access=access)

    async def send(
        self,
        recipients: Sequence[Reference],
        sender: Reference,
        draft: Draft,
        *,
        introduce: bool | None = None,
        idempotency_key: str | None = None,
    ) -> OutcomeView:
        """Send a message.

        Waits up to ``PATIENCE`` for the responses of the drop servers. Whether they respond or not:
        once this returns, the message is stored, and posting it is retried until it is settled.

        Args:
            recipients: contacts of the sender.
            sender: an identity.
            draft: the message.
            introduce: whether the message introduces the sender; None for ``privacy.introduce``.
            idempotency_key: if it is the key of an earlier send, that send's outcome is returned.

        Raises:
            Invalid: the sender, a recipient or the message is not valid.
            NotFound: a recipient is not a contact of the sender.
            TooLarge: the message, or what is to introduce the sender, does not fit.
            Conflict: the idempotency key was used for another request.
            Unauthorized: the token of the caller was revoked meanwhile.
            StoreFull: there is no disk space to store it.

        """
        checked = check_send(
            self._synced(),
            recipients,
            sender,
            draft,
            access=self._access,
            stamps=self._stamps,
            introducing=Introducing.of(introduce, self._introduce()),
        )
        idempotency = None
        if idempotency_key is not None:
            given = request_digest(recipients, sender, draft, introduce)
            idempotency = Idempotency(self._access.owner, idempotency_key, given)
        return await self._seal_and_keep(checked, idempotency)

    async def sends(self, after: int = 0, limit: int = 100) -> list[SendView]:
        """Return up to ``limit`` sends with ids above ``after``, oldest first."""
        records = await self._repository.read(after, limit, self._visible())
        return [send_view(each, self._reasons.of) for each in records]

    async def get(self, send_id: int) -> SendView:
        """Return one send, with the state of its deliveries. Raises NotFound."""
        record = await self._repository.get(send_id, self._visible())
        if record is None:
            raise NotFound(f"No message {send_id} in the outbox.")
        return send_view(record, self._reasons.of)

    async def delete(self, send_id: int) -> None:
        """Delete a send; what is not posted yet never will be. Raises NotFound.

        Only admins can delete what was sent with another token, even if the caller may see it.
        """
        if not await shielded(self._delete(send_id)):
            raise NotFound(f"No message {send_id} in the outbox.")

    @property
    def _reasons(self) -> WaitingReasons:
        return WaitingReasons(self._poster, self._clock, self._now)

    def _visible(self) -> SendFilter:
        return self._of(self._access.sees_all_sends)

    def _of(self, everybody: bool) -> SendFilter:
        """Return the filter of the caller's own sends, or of those of all tokens."""
        access = self._access
        return SendFilter(access.identity, None if everybody else access.token_id)

    async def _delete(self, send_id: int) -> bool:
        own = self._of(self._access.is_admin)
        deleted = await self._repository.delete(send_id, own, now=self._now())
        if deleted is None:
            return False
        self._poster.forget([send_id], deleted.last_seq)
        self._poster.add(deleted.ready, spread=SOON_AFTER)
        return True

    async def _seal_and_keep(
        self, checked: CheckedSend, idempotency: Idempotency | None
    ) -> OutcomeView:
        # Time stamps rise in the order of the outbox, whichever message is sealed first.
        turn = self._order.enter(checked.identity.public_key.raw)
        try:
            checked = await self._with_introductions(checked)
            sealed = await self._workers.run(checked.seal)
            await turn.reached()
            keeping = self._keep_and_post(checked, sealed, idempotency, turn)
        except BaseException:
            turn.leave()
            raise
        return await shielded(keeping)

    async def _with_introductions(self, checked: CheckedSend) -> CheckedSend:
        if not checked.asks_who_knows:
            return checked.with_introductions()
        keys = [each.public_key.raw for each in checked.contacts]
        heard = await self._heard.among(checked.identity.public_key.raw, keys)
        return checked.with_introductions(heard)

    async def _keep_and_post(
        self,
        checked: CheckedSend,
        sealed: Sequence[bytes],
        idempotency: Idempotency | None,
        turn: Turn,
    ) -> OutcomeView:
        try:
            # Contacts may have moved while the message was sealed.
            checked = checked.readdressed(self._synced())
            adding = self._repository.add(
                checked.to_keep(sealed), idempotency=idempotency, now=self._now()
            )
        finally:
            turn.leave()
        try:
            added = await adding
        except IdempotencyMismatch as error:
            raise Conflict(str(error)) from None
        except TokenRevoked as error:
            raise Unauthorized(str(error)) from None
        if added.repeated:
            return await self._again(added)
        outcome = await self._explained(await self._first_outcome(checked, added))
        if idempotency is not None:
            await self._remember(idempotency, outcome)
        return outcome

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
                known = {each.recipient: each for each in self._outcome_of(record).recipients}
        recipients = [
            known.get(each.recipient, msgspec.structs.replace(each, reason=TO_BE_SENT))
            if each.is_unexplained
            else each
            for each in outcome.recipients
        ]
        return msgspec.structs.replace(outcome, recipients=recipients)

    def _outcome_of(self, record: SendRecord) -> OutcomeView:
        return outcome_of(record, self._reasons.of)

    async def _remember(self, given: Idempotency, outcome: OutcomeView) -> None:
        """Store the outcome for repeated requests; without it, they get the state at that time."""
        try:
            await self._repository.answered(given, encode_json(outcome))
        except StoreError as error:
            # The message itself is stored, and perhaps sent: the request has not failed.
            self._log.warn(
                "Cannot store the outcome for an idempotency key: {error}", error=str(error)
            )

    async def _again(self, added: Added) -> OutcomeView:
        """Return the outcome of the first request; if it was not stored, the state by now."""
        if added.answer is not None:
            return decode_outcome(added.answer)
        record = await self._repository.get(added.id)
        if record is None:
            raise NotFound(f"Message {added.id} was deleted from the outbox.")
        return self._outcome_of(record)

    async def _first_outcome(self, checked: CheckedSend, added: Added) -> OutcomeView:
        """Post what is due, and return the outcome of the first attempts."""
        postings = checked.postings(added.id)
        sender = checked.identity.public_key.raw
        keys = [key for _, each in postings for key in each]
        attempts = await self._first_attempts(sender, added, keys)
        recipients = [
            RecipientOutcomeView(
                contact.id,
                contact.public_key.hex,
                *first_state([attempts.get(key) for key in keys]),
                introduced=contact.public_key.raw in checked.introduced,
            )
            for contact, keys in postings
        ]
        return OutcomeView(added.id, checked.message.acknowledge_id, recipients)

    async def _first_attempts(
        self, sender: bytes, added: Added, postings: Sequence[PostingKey]
    ) -> Mapping[PostingKey, PostResult]:
        """Return the results of the first attempts, without waiting for queues known to fail."""
        attempts: dict[PostingKey, PostResult] = {}
        ready = {(each.recipient, each.url) for each in added.ready}
        waiting, behind = [], []
        for key in postings:
            _, recipient, url = key
            queue = url, recipient, sender
            if key[1:] not in ready:
                if self._poster.in_trouble(queue):
                    continue
                behind.append(queue)
            first = self._poster.first_attempt(key)
            waiting.append(first.addCallbacks(partial(attempts.__setitem__, key), _given_up))
        self._poster.add(added.ready)
        for queue in behind:
            self._poster.release(queue)
        try:
            await DeferredList(waiting).addTimeout(PATIENCE, self._clock)
        except DeferredTimeout:
            for each in waiting:
                each.cancel()
        return attempts


def _given_up(failure: Failure) -> None:
    failure.trap(CancelledError)
