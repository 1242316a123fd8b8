"""Who the two sides of conversations are, by what they are called now."""

from collections.abc import Iterable, Mapping, Sequence

from attrs import field, frozen

from qabel.core.errors import Invalid
from qabel.core.people.views import NamesakeView
from qabel.forms.errors import FieldError
from qabel.modules.api import KnownContact, KnownIdentity, Messaging
from qabel.modules.chat.numbers import behind, no_conversation
from qabel.modules.chat.queries import Conversation
from qabel.modules.chat.views import ConversationView, RequestView


@frozen
class ChatPeople:
    """The identities and contacts of a moment."""

    identities: Mapping[bytes, KnownIdentity]
    contacts: Mapping[tuple[bytes, bytes], KnownContact]
    blocked: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, messaging: Messaging) -> "ChatPeople":
        """Return those of now."""
        return cls(
            {each.key: each for each in messaging.identities()},
            {(each.identity, each.key): each for each in messaging.contacts()},
            messaging.blocked(),
        )

    def identity(self, reference: int | str) -> KnownIdentity:
        """Return an identity by id or public key. Raises Invalid."""
        for each in self.identities.values():
            if str(reference).lower() in (str(each.id), each.key.hex()):
                return each
        error = FieldError("identity", "must be the id or the public key of an identity")
        raise Invalid("Unknown identity.", [error])

    def contact(self, identity: KnownIdentity, reference: int | str) -> KnownContact:
        """Return a contact of an identity by id or public key. Raises Invalid."""
        for each in self.contacts.values():
            names = (str(each.id), each.key.hex())
            if each.identity == identity.key and str(reference).lower() in names:
                return each
        error = FieldError("contact", "must be the id or the public key of a contact")
        raise Invalid("Unknown contact of this identity.", [error])

    def is_shown(self, identity: bytes, contact: bytes, outgoing: int) -> bool:
        """Return whether messages are in a conversation, and no request of a stranger."""
        return identity in self.identities and (
            (identity, contact) in self.contacts or outgoing > 0
        )

    def is_request(self, found: Conversation) -> bool:
        """Return whether a conversation is a request of a stranger who is not blocked."""
        return (
            found.identity in self.identities
            and found.last is not None
            and found.contact not in self.blocked
            and not self.is_shown(found.identity, found.contact, found.outgoing)
        )

    def shown(self, all_of_them: Iterable[Conversation]) -> list[Conversation]:
        """Return those that are no requests, and whose identity is there."""
        return [
            each
            for each in all_of_them
            if self.is_shown(each.identity, each.contact, each.outgoing)
        ]

    def conversation_view(self, found: Conversation, said: str | None = None) -> ConversationView:
        """Return a conversation as clients see it.

        Args:
            found: the conversation.
            said: what the other side calls itself, if it is no contact.

        Raises:
            NotFound: its identity was deleted.

        """
        identity = self.identities.get(found.identity)
        if identity is None:
            raise no_conversation()
        contact = self.contacts.get((found.identity, found.contact))
        return ConversationView(
            id=found.id.hex(),
            identity_id=identity.id,
            contact_id=None if contact is None else contact.id,
            alias=said if contact is None else contact.alias,
            last=found.last,
            unread=found.unread,
            read=str(behind(found.read)),
            muted=bool(found.muted),
            pinned=bool(found.pinned),
            archived=bool(found.archived),
            draft=found.draft,
        )

    def request_view(
        self, found: Conversation, said: str | None, named: Sequence[KnownContact] = ()
    ) -> RequestView:
        """Return a request as clients see it.

        Args:
            found: the request.
            said: what its sender calls itself.
            named: the contacts that the sender may be taken for by that name, first the one that
                is known by it.

        """
        return RequestView(
            id=found.id.hex(),
            identity_id=self.identities[found.identity].id,
            public_key=found.contact.hex(),
            alias=said,
            introduced=said is not None,
            same_alias=[each.id for each in named],
            namesake=NamesakeView(named[0].id, named[0].verified) if named else None,
            ignored=bool(found.ignored),
            last=found.last,
            unread=found.unread,
        )
