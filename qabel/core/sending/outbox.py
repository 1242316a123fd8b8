"""Sending: messages are checked, and stored before any of them is posted."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from attrs import evolve, field, frozen
from twisted.internet.interfaces import IReactorTime

from qabel.contract.access import EVERYTHING, Access
from qabel.core.errors import Invalid, NotFound
from qabel.core.people.references import Reference
from qabel.core.sending.checked_send import CheckedSend, check_send
from qabel.core.sending.compose import AUTO as NEW_ID
from qabel.core.sending.compose import Draft
from qabel.core.sending.heard_from import HeardFrom
from qabel.core.sending.introductions import AUTO, Introducing
from qabel.core.sending.outcomes import Outcomes
from qabel.core.sending.poster import Poster
from qabel.core.sending.request_digest import digest, request_digest
from qabel.core.sending.send_schedule import SOON_AFTER
from qabel.core.sending.sending import Sending
from qabel.core.sending.sending_order import SendingOrder
from qabel.core.sending.time_stamps import TimeStamps
from qabel.core.sending.views import OutcomeView, SendView, send_view
from qabel.core.sending.waiting_reasons import WaitingReasons
from qabel.core.workers import Workers
from qabel.deferreds import shielded
from qabel.drop.acknowledgement import DROP_MODEL
from qabel.settings.synced import SyncedSettings
from qabel.store.modules.progress import Written
from qabel.store.outbox.adding import KeyedSend
from qabel.store.outbox.idempotency import OF_MODULES, Idempotency
from qabel.store.outbox.records import SendFilter
from qabel.store.outbox.repository import OutboxRepository
from qabel.store.outbox.sends import NewSend


@frozen(kw_only=True)
class ToSend:
    """A message of a module, and who is to get it."""

    sender: Reference
    """An identity."""
    recipient: Reference
    """A contact of it."""
    draft: Draft
    idempotency_key: str | None = field(default=None, repr=False)
    """If it is the key of an earlier message of the module, nothing is sent."""


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
        checked = self._check(recipients, sender, draft, introduce)
        idempotency = None
        if idempotency_key is not None:
            given = request_digest(recipients, sender, draft, introduce)
            idempotency = Idempotency(self._access.owner, idempotency_key, given)
        [outcome] = await self._sending.seal_and_keep([checked], idempotency)
        return outcome

    async def send_all(
        self,
        messages: Sequence[ToSend],
        *,
        key: tuple[str, str] | None = None,
        request: Any = None,
    ) -> list[OutcomeView]:
        """Send messages as a whole: all are stored, in their order, or none is.

        Args:
            messages: at least one. Keys of their own do not count.
            key: the name of a module, and a key of the caller's; if both were used before, the
                outcomes of that time are returned.
            request: by what a repeated request is recognized: what JSON can represent. Without it,
                by the messages.

        Raises what ``send`` raises.

        """
        checked = [self._check([each.recipient], each.sender, each.draft) for each in messages]
        idempotency = None
        if key is not None:
            by = request or [[each.sender, each.recipient, each.draft.given] for each in messages]
            # No header has a line break: keys of modules are no keys of clients.
            idempotency = Idempotency(self._access.owner, "\n".join(key), digest(by))
        return await self._sending.seal_and_keep(checked, idempotency)

    async def hand_over(
        self,
        module: str,
        messages: Sequence[ToSend],
        store: Callable[[Sequence[KeyedSend]], Awaitable[Written | None]],
    ) -> Written | None:
        """Have messages of a module stored as they are, and sealed and posted after that.

        Args:
            module: the name of the module.
            messages: what it sends.
            store: stores all of them, or none, in the order of the calls; returns None for none.

        Returns:
            What ``store`` returned.

        Raises:
            Invalid: a sender, a recipient or a message is not valid.
            NotFound: a recipient is not a contact of the sender.
            TooLarge: a message does not fit.
            StoreError: nothing could be stored.

        """
        checked = [self._check([each.recipient], each.sender, each.draft) for each in messages]
        keys = [key_of_module(module, each) for each in messages]

        def add(ready: Sequence[CheckedSend]) -> Awaitable[Written | None]:
            return store([KeyedSend(*each) for each in zip(_unsealed(ready), keys, strict=True)])

        return await self._sending.hand_over(checked, add)

    async def room(self, recipient: Reference, sender: Reference, kind: str) -> int:
        """Return how many bytes of JSON text the data of a message may have, escaped as a string.

        Room for an introduction is left if the recipient may need one, and for the id of an
        acknowledgement. Raises what ``send`` raises.
        """
        checked = self._check([recipient], sender, Draft(kind, {}, acknowledge_id=NEW_ID))
        return (await self._sending.with_introductions(checked)).room

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

    @property
    def _sending(self) -> Sending:
        return Sending(
            repository=self._repository,
            poster=self._poster,
            workers=self._workers,
            synced=self._synced,
            heard=self._heard,
            order=self._order,
            outcomes=Outcomes(
                repository=self._repository,
                poster=self._poster,
                clock=self._clock,
                reasons=self._reasons,
            ),
            now=self._now,
        )

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

    def _check(
        self,
        recipients: Sequence[Reference],
        sender: Reference,
        draft: Draft,
        introduce: bool | None = None,
    ) -> CheckedSend:
        if draft.model_object in ("", DROP_MODEL):
            raise Invalid("This kind of messages is reserved for the daemon.")
        return check_send(
            self._synced(),
            recipients,
            sender,
            draft,
            access=self._access,
            stamps=self._stamps,
            introducing=Introducing.of(introduce, self._introduce()),
        )


def _unsealed(messages: Iterable[CheckedSend]) -> list[NewSend]:
    return [each.to_keep() for each in messages]


def key_of_module(module: str, message: ToSend) -> Idempotency | None:
    """Return the key under which a message of a module is sent once; None for none."""
    if message.idempotency_key is None:
        return None
    by = digest([str(message.sender), str(message.recipient), message.draft.given])
    return Idempotency(OF_MODULES, f"{module}\n{message.idempotency_key}", by)
