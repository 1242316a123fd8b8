"""Sends and their outcomes, as clients see them."""

from collections.abc import Callable, Sequence

import msgspec

from qabel.contract.types import Id, JSONObject, KeyHex, Milliseconds, View
from qabel.jsontext import encode as encode_json
from qabel.store.outbox.records import DeliveryRecord, SendRecord
from qabel.store.outbox.sends import DeliveryState


class RecipientOutcomeView(View):
    """The state of the delivery to one recipient.

    ``introduced`` says whether the message introduces its sender (``meta_data``).
    """

    contact_id: Id | None
    recipient: KeyHex
    state: DeliveryState
    reason: str | None
    introduced: bool

    @property
    def is_unexplained(self) -> bool:
        """Whether it is queued, and it is not said why."""
        return self.state == DeliveryState.QUEUED and not self.reason


class OutcomeView(View):
    """The state of a send after the first attempts, by recipient."""

    id: Id
    acknowledge_id: str
    recipients: list[RecipientOutcomeView]

    @property
    def is_complete(self) -> bool:
        """Whether the message was delivered to the drop servers of all recipients."""
        return all(each.state == DeliveryState.SENT for each in self.recipients)


class RecipientView(RecipientOutcomeView):
    """The delivery to one recipient: its state, and when it is attempted again."""

    attempts: int
    next_attempt: Milliseconds | None
    settled: Milliseconds | None
    acknowledged: Milliseconds | None


class SendView(View):
    """A send; ``message`` is the message that was sent."""

    id: Id
    sender: KeyHex
    identity_id: Id
    model_object: str
    acknowledge_id: str
    created: Milliseconds
    message: JSONObject | None
    recipients: list[RecipientView]


Explain = Callable[[DeliveryRecord], str | None]
"""Returns why a delivery failed or waits."""


def send_view(record: SendRecord, explain: Explain) -> SendView:
    """Return a send as clients see it."""
    return SendView(
        id=record.id,
        sender=record.sender,
        identity_id=record.identity_id,
        model_object=record.model_object,
        acknowledge_id=record.acknowledge_id,
        created=record.created,
        message=None if record.message is None else msgspec.Raw(record.message),
        recipients=[_recipient_view(each, explain) for each in record.deliveries],
    )


def outcome_of(record: SendRecord, explain: Explain) -> OutcomeView:
    """Return the present state of a send."""
    return OutcomeView(
        record.id,
        record.acknowledge_id,
        [
            RecipientOutcomeView(
                each.contact_id, each.recipient, each.state, explain(each), each.introduced
            )
            for each in record.deliveries
        ],
    )


def encode_outcomes(outcomes: Sequence[OutcomeView]) -> bytes:
    """Return the JSON of outcomes; that of a single one is an object, as it always was."""
    return encode_json(outcomes[0] if len(outcomes) == 1 else list(outcomes))


def decode_outcomes(text: bytes) -> list[OutcomeView]:
    """Return outcomes that were stored as JSON."""
    found = msgspec.json.decode(text, type=OutcomeView | list[OutcomeView])
    return found if isinstance(found, list) else [found]


def _recipient_view(delivery: DeliveryRecord, explain: Explain) -> RecipientView:
    return RecipientView(
        contact_id=delivery.contact_id,
        recipient=delivery.recipient,
        state=delivery.state,
        reason=explain(delivery),
        introduced=delivery.introduced,
        attempts=delivery.attempts,
        next_attempt=delivery.next_attempt,
        settled=delivery.settled,
        acknowledged=delivery.acknowledged,
    )
