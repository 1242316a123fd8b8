"""Introductions: messages that tell their recipient who the sender is, as ``meta_data``.

Qabel's own clients drop a stranger's message without one. E-mail address and phone number are told
to those contacts only whom the user has added without an introduction of theirs.
"""

from collections.abc import Iterable
from functools import cached_property

from attrs import define, evolve, field, frozen

from qabel.core.errors import Invalid, TooLarge
from qabel.drop.cards import CardError, ContactCard, write_meta_data
from qabel.drop.message import DropMessage, InvalidDropMessage, encode
from qabel.drop.transport import TEXT_SIZE
from qabel.forms.errors import FieldError
from qabel.settings.items import Contact, Identity

AUTO, ALWAYS, NEVER = "auto", "always", "never"
"""The values of ``privacy.introduce``."""


@frozen
class Introducing:
    """Which messages of a send introduce the sender."""

    rule: str = AUTO
    """``AUTO``: those to contacts from whom nothing was opened yet. ``ALWAYS``, or ``NEVER``."""
    is_required: bool = False
    """Whether the message is not sent if an introduction does not fit."""

    @classmethod
    def of(cls, wish: bool | None, setting: str) -> "Introducing":
        """Return what a request says; None leaves it to the setting ``privacy.introduce``."""
        if wish is None:
            return cls(setting)
        return cls(ALWAYS, is_required=True) if wish else cls(NEVER)


NO_INTRODUCTION = Introducing(NEVER)


@frozen
class Introduction:
    """A message with an introduction of its sender."""

    text: bytes = field(repr=False)
    """Its JSON text, which may be too large."""

    @property
    def fits(self) -> bool:
        """Whether it fits into the transport format."""
        return len(self.text) <= TEXT_SIZE


@define(eq=False)
class Introductions:
    """The texts of a message with an introduction, each made when it is first needed."""

    _identity: Identity
    _message: DropMessage

    def to(self, contact: Contact) -> Introduction | None:
        """Return the message for a contact; None if the sender cannot introduce itself."""
        has_more = self._identity.email or self._identity.phone
        return self._full if has_more and not contact.introduced else self._short

    def require(self, contacts: Iterable[Contact]) -> None:
        """Check that a message with an introduction can be sent to each of these contacts.

        Raises:
            Invalid: the sender cannot introduce itself.
            TooLarge: it does not fit into the transport format.

        """
        for contact in contacts:
            introduction = self.to(contact)
            if introduction is None:
                why = "the sender has no drop URL, without which it cannot introduce itself"
                raise Invalid("Cannot introduce the sender.", [FieldError("introduce", why)])
            if not introduction.fits:
                size = len(introduction.text)
                raise TooLarge(
                    f"The message has {size} bytes with the introduction of its sender; only "
                    f"{TEXT_SIZE} bytes fit.",
                    size=size,
                    limit=TEXT_SIZE,
                )

    @cached_property
    def _full(self) -> Introduction | None:
        return self._introduced(self._identity.email, self._identity.phone)

    @cached_property
    def _short(self) -> Introduction | None:
        return self._introduced("", "")

    def _introduced(self, email: str, phone: str) -> Introduction | None:
        identity = self._identity
        card = ContactCard(identity.alias, identity.public_key, identity.drops, email, phone)
        try:
            text = encode(evolve(self._message, meta_data=write_meta_data(card)))
        except (CardError, InvalidDropMessage):
            return None
        return Introduction(text)
