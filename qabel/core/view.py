"""The core as one caller sees it: all of it, or what concerns one identity."""

from attrs import frozen

from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.follower import Followers
from qabel.core.people.cards import Cards
from qabel.core.people.people import People
from qabel.core.sending.outbox import Outbox


@frozen(kw_only=True)
class CoreView:
    """What a caller may see: everything, or what concerns the one identity of its token.

    Access to identities is decided here; code that uses a view does not check again.
    """

    people: People
    cards: Cards
    inbox: InboxReader
    outbox: Outbox
    events: Followers

    def seen_by(self, identity_id: int) -> "CoreView":
        """Return the view that is limited to one identity."""
        return CoreView(
            people=self.people.seen_by(identity_id),
            cards=self.cards.seen_by(identity_id),
            inbox=self.inbox.seen_by(identity_id),
            outbox=self.outbox.seen_by(identity_id),
            events=self.events.seen_by(identity_id),
        )
