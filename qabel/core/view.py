"""The core as one caller sees it: all of it, or what is about one identity only."""

from attrs import frozen

from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.follower import Followers
from qabel.core.people.cards import Cards
from qabel.core.people.people import People
from qabel.core.sending.outbox import Outbox


@frozen(kw_only=True)
class CoreView:
    """What somebody may see whose token is restricted to one identity; for others, all of it.

    This is where access to identities is decided: nobody behind it checks again.
    """

    people: People
    cards: Cards
    inbox: InboxReader
    outbox: Outbox
    events: Followers

    def seen_by(self, identity_id: int) -> "CoreView":
        """Return the view that has one identity only."""
        return CoreView(
            people=self.people.seen_by(identity_id),
            cards=self.cards.seen_by(identity_id),
            inbox=self.inbox.seen_by(identity_id),
            outbox=self.outbox.seen_by(identity_id),
            events=self.events.seen_by(identity_id),
        )
