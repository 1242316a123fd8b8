"""Make a drop message from what a client sends."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from attrs import asdict, field, frozen

from qabel.core.errors import Invalid
from qabel.crypto import PublicKey
from qabel.drop.acknowledgement import DROP_MODEL, new_acknowledge_id
from qabel.drop.message import NO_ACKNOWLEDGEMENT, DropMessage
from qabel.forms.compound import Key, Object
from qabel.forms.errors import FieldError, invalid
from qabel.forms.form import Form, Schema
from qabel.forms.plain import ANY_OBJECT, Constant, Integer, Text
from qabel.jsontext import InvalidJSON
from qabel.jsontext import encode as encode_json

AUTO = "auto"
"""The ``acknowledge_id`` by which a client asks for a new one."""

MESSAGE_VERSION = 1
MAX_TIME_STAMP = 2**63 - 1


@frozen
class Draft:
    """A message to send; what is left out is filled in.

    ``sender`` and ``receiver`` are for clients that pass complete messages: public keys, which must
    be those of the sending identity and of the only recipient.
    """

    model_object: str = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    acknowledge_id: str = field(default=NO_ACKNOWLEDGEMENT, repr=False)
    time_stamp: int | None = None
    """Milliseconds since the epoch."""
    sender: str | None = None
    receiver: str | None = None
    as_given: Mapping[str, Any] | None = field(default=None, repr=False, eq=False)
    """The object that the draft was read from, if any."""

    @property
    def given(self) -> Mapping[str, Any]:
        """The draft as the client passed it, by which a repeated request is recognized."""
        if self.as_given is not None:
            return self.as_given
        return asdict(self, filter=lambda each, _: each.name != "as_given", recurse=False)


class _ModelObject(Text):
    """The kind of a message, other than that of acknowledgements."""

    def read(self, value: object) -> str:
        """Check the value."""
        text = super().read(value)
        if text == DROP_MODEL:
            raise invalid(f'"{DROP_MODEL}" is reserved for the daemon')
        return text

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return {**super().schema(), "not": {"const": DROP_MODEL}}


class _Data(Form[Mapping[str, Any]]):
    """The data of a message: any JSON object."""

    def read(self, value: object) -> Mapping[str, Any]:
        """Check the value."""
        if not isinstance(value, Mapping):
            raise invalid("must be an object")
        return value

    def write(self, value: Mapping[str, Any]) -> Any:
        """Return the value as it is."""
        return value

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return dict(ANY_OBJECT)


class DraftForm(Form[Draft]):
    """``drop_message`` in the body of ``POST /drop``."""

    _object = Object(
        {
            "model_object": Key(_ModelObject(shortest=1)),
            "data": Key(_Data()),
            "time_stamp": Key(Integer(0, MAX_TIME_STAMP), None),
            "acknowledge_id": Key(Text(shortest=1), NO_ACKNOWLEDGEMENT),
            "version": Key(Constant(MESSAGE_VERSION), MESSAGE_VERSION),
            "sender": Key(Text(), None),
            "receiver": Key(Text(), None),
        },
        title="NewMessage",
    )

    def read(self, value: object) -> Draft:
        """Check all keys."""
        read = self._object.read(value)
        del read["version"]
        return Draft(**read, as_given=cast("Mapping[str, Any]", value))

    def write(self, value: Draft) -> dict[str, Any]:
        """Return the required keys."""
        return {"model_object": value.model_object, "data": value.data}

    def schema(self) -> Schema:
        """Return the JSON schema."""
        return self._object.schema()


def compose(
    draft: Draft,
    sender: PublicKey,
    receivers: Sequence[PublicKey],
    make_time_stamp: Callable[[PublicKey], int],
) -> DropMessage:
    """Return the drop message of a draft.

    Args:
        draft: the message.
        sender: the public key of the sending identity.
        receivers: the public keys of the recipients.
        make_time_stamp: returns a new time stamp of a sender, in milliseconds since the epoch.

    Raises:
        Invalid: it lists everything that is wrong.

    """
    errors = []
    if draft.sender not in (None, sender.hex):
        errors.append(
            FieldError("drop_message.sender", "is not the public key of the sender; leave it out")
        )
    if draft.receiver is not None and [draft.receiver] != [each.hex for each in receivers]:
        why = "is not the public key of the only recipient; leave it out"
        errors.append(FieldError("drop_message.receiver", why))
    try:
        data = encode_json(draft.data)
    except InvalidJSON as error:
        errors.append(FieldError("drop_message.data", f"is not valid: {error}"))
    if errors:
        raise Invalid("The drop message is not valid.", errors)
    wants_new = draft.acknowledge_id == AUTO
    return DropMessage(
        time_stamp=make_time_stamp(sender) if draft.time_stamp is None else draft.time_stamp,
        sender=sender,
        model_object=draft.model_object,
        data=data,
        acknowledge_id=new_acknowledge_id() if wants_new else draft.acknowledge_id,
    )
