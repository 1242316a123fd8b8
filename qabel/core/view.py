"""The core as one caller sees it: what is the caller's own, and what its token permits."""

from attrs import frozen

from qabel.contract.access import Access
from qabel.core.accepting import Accepting
from qabel.core.inbox.reader import InboxReader
from qabel.core.journal.follower import Followers
from qabel.core.people.cards import Cards
from qabel.core.people.people import People
from qabel.core.sending.outbox import Outbox
from qabel.core.servers import Servers


@frozen(kw_only=True)
class CoreView:
    """What a caller may see and change, of identities, messages, sends, events and servers.

    Access to them is decided here; code that uses a view does not check again.
    """

    people: People
    cards: Cards
    inbox: InboxReader
    accepting: Accepting
    outbox: Outbox
    events: Followers
    servers: Servers

    def seen_by(self, access: Access) -> "CoreView":
        """Return the view of a caller."""
        return CoreView(
            people=self.people.seen_by(access),
            cards=self.cards.seen_by(access),
            inbox=self.inbox.seen_by(access),
            accepting=self.accepting.seen_by(access),
            outbox=self.outbox.seen_by(access),
            events=self.events.seen_by(access),
            servers=self.servers.seen_by(access),
        )
