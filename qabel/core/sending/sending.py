"""Messages on their way into the outbox: in the order of their senders, several as a whole."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from attrs import frozen

from qabel.core.errors import Conflict, NotFound, Unauthorized
from qabel.core.sending.checked_send import CheckedSend, seal_all
from qabel.core.sending.heard_from import HeardFrom
from qabel.core.sending.outcomes import Outcomes
from qabel.core.sending.poster import Poster
from qabel.core.sending.sending_order import SendingOrder, Turn
from qabel.core.sending.views import OutcomeView
from qabel.core.workers import Workers
from qabel.deferreds import shielded
from qabel.settings.synced import SyncedSettings
from qabel.store.modules.progress import Written
from qabel.store.outbox.idempotency import Idempotency, IdempotencyMismatch
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.tokens import TokenRevoked


@frozen(kw_only=True)
class Sending:
    """Stores messages that were checked, and has them posted."""

    _repository: OutboxRepository
    _poster: Poster
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _heard: HeardFrom
    _order: SendingOrder
    _outcomes: Outcomes
    _now: Callable[[], float]

    async def seal_and_keep(
        self, checked: Sequence[CheckedSend], idempotency: Idempotency | None
    ) -> list[OutcomeView]:
        """Seal messages, store all of them or none, post them, and return the outcomes.

        Raises what ``Outbox.send`` raises of this.
        """
        turns = self._turns(checked)
        try:
            checked = [await self.with_introductions(each) for each in checked]
            sealed = await self._workers.run(seal_all, checked)
            for each in turns:
                await each.reached()
            keeping = self._keep_and_post(checked, sealed, idempotency, turns)
        except BaseException:
            _leave(turns)
            raise
        return await shielded(keeping)

    async def hand_over(
        self,
        checked: Sequence[CheckedSend],
        store: Callable[[Sequence[CheckedSend]], Awaitable[Written | None]],
    ) -> Written | None:
        """Have messages stored unsealed, and post them; see ``Outbox.hand_over``."""
        turns = self._turns(checked)
        try:
            checked = [await self.with_introductions(each) for each in checked]
            storing = store(await self._reached(turns, checked))
        finally:
            _leave(turns)
        return await shielded(self._posted(storing))

    async def _posted(self, storing: Awaitable[Written | None]) -> Written | None:
        written = await storing
        if written is not None:
            self._poster.add(written.ready)
        return written

    async def with_introductions(self, checked: CheckedSend) -> CheckedSend:
        """Return a message with the introductions of its sender. Raises StoreError."""
        if not checked.asks_who_knows:
            return checked.with_introductions()
        keys = [each.public_key.raw for each in checked.contacts]
        heard = await self._heard.among(checked.identity.public_key.raw, keys)
        return checked.with_introductions(heard)

    def _turns(self, checked: Iterable[CheckedSend]) -> list[Turn]:
        """Enter the order of sending: time stamps rise in the order of the outbox.

        Call it before anything else can make time stamps: so it does not matter what is sealed
        first, and nobody waits for somebody behind him.
        """
        senders = dict.fromkeys(each.identity.public_key.raw for each in checked)
        return [self._order.enter(each) for each in senders]

    async def _reached(
        self, turns: Iterable[Turn], checked: Sequence[CheckedSend]
    ) -> list[CheckedSend]:
        """Wait for the turns; return the messages with the present addresses."""
        for each in turns:
            await each.reached()
        senders = {each.identity.public_key.raw for each in checked}
        if self._repository.are_purged(senders):
            raise NotFound("The sending identity was deleted.")
        # Contacts may have moved meanwhile.
        synced = self._synced()
        return [each.readdressed(synced) for each in checked]

    async def _keep_and_post(
        self,
        checked: Sequence[CheckedSend],
        sealed: Sequence[Sequence[bytes]],
        idempotency: Idempotency | None,
        turns: Sequence[Turn],
    ) -> list[OutcomeView]:
        try:
            # Contacts may have moved while the messages were sealed.
            synced = self._synced()
            checked = [each.readdressed(synced) for each in checked]
            new = [each.to_keep(boxes) for each, boxes in zip(checked, sealed, strict=True)]
            adding = self._repository.add(*new, idempotency=idempotency, now=self._now())
        finally:
            _leave(turns)
        try:
            added = await adding
        except IdempotencyMismatch as error:
            raise Conflict(str(error)) from None
        except TokenRevoked as error:
            raise Unauthorized(str(error)) from None
        if added.repeated:
            return await self._outcomes.again(added)
        outcomes = await self._outcomes.first(checked, added)
        if idempotency is not None:
            await self._outcomes.remember(idempotency, outcomes)
        return outcomes


def _leave(turns: Iterable[Turn]) -> None:
    for each in turns:
        each.leave()
