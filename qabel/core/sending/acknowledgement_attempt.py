"""An attempt to send an acknowledgement: it is sealed for this attempt, and posted once."""

from collections.abc import Callable, Collection, Sequence
from random import SystemRandom

from attrs import frozen
from twisted.internet.defer import CancelledError
from twisted.logger import Logger

from qabel.core.people.blocked import is_blocked_contact
from qabel.core.sending.delivery_attempts import DropPoster
from qabel.core.sending.post_result import PostOutcome, outcome_of
from qabel.core.workers import Workers
from qabel.crypto import InvalidKey, PrivateKey, PublicKey
from qabel.drop.acknowledgement import acknowledgement
from qabel.drop.message import InvalidDropMessage, encode
from qabel.drop.transport import MessageTooLarge, seal_message
from qabel.drop.url import DropURL
from qabel.net.errors import DropServerError, ServerRefused
from qabel.settings.items import Contact, Identity
from qabel.settings.synced import SyncedSettings
from qabel.store.outbox.acknowledgement_turns import DueAcknowledgement
from qabel.store.outbox.acknowledgements import Pair

MOST_REFUSALS = 3
"""How many drops of a contact are tried if they refuse an acknowledgement for good."""


@frozen
class Attempted:
    """How an attempt ended."""

    outcome: PostOutcome | None
    """None if there was none: nobody is to get the acknowledgement any more."""
    asked: float = 0.0
    """Seconds that the drop server asked to wait."""
    is_last: bool = False
    """Whether no other drop of the contact is to be tried after a refusal."""


NOBODY = Attempted(None)


def recipients(synced: SyncedSettings, blocked: Collection[bytes]) -> dict[Pair, Contact]:
    """Return the contacts that may get acknowledgements: not those that are blocked."""
    owners = {each.public_key.raw for each in synced.living_identities}
    return {
        (each.my_identity.raw, each.public_key.raw): each
        for each in synced.living_contacts
        if each.my_identity.raw in owners
        and each.public_key.raw not in blocked
        and not is_blocked_contact(each)
        and each.drop_urls
    }


def seal_acknowledgement(private_key: PrivateKey, due: DueAcknowledgement) -> bytes | None:
    """Return a sealed acknowledgement; None if there can be none. To be called in a worker."""
    made = acknowledgement(
        due.acknowledge_id, private_key.public_key, due.time_stamp, is_refusal=due.is_refusal
    )
    try:
        return seal_message(private_key, PublicKey(due.contact), encode(made))
    except (MessageTooLarge, InvalidDropMessage, InvalidKey):
        return None


@frozen(kw_only=True, eq=False)
class AcknowledgementAttempts:
    """Makes attempts.

    Each goes to one drop of the contact, which is drawn. Who may get one is looked up right before
    it is posted: what was blocked or deleted until then gets none.
    """

    _client: DropPoster
    _workers: Workers
    _synced: Callable[[], SyncedSettings]
    _blocked: Callable[[], Collection[bytes]]
    _are_wanted: Callable[[], bool]
    _no_drop_server: Callable[[bytes, str], str | None]
    """Returns how the readings of an identity, by its public key, showed that there is no drop
    server at a URL, or None."""
    _choose: Callable[[Sequence[DropURL]], DropURL] = SystemRandom().choice

    _log = Logger()

    def allowed(self) -> Collection[Pair] | None:
        """Return who may get acknowledgements now; None for nobody."""
        return recipients(self._synced(), self._blocked()).keys() if self._are_wanted() else None

    async def make(self, due: DueAcknowledgement) -> Attempted:
        """Post an acknowledgement once, and return how that ended."""
        identity = self._synced().identity(PublicKey(due.identity))
        if identity is None:
            return NOBODY
        sealed = await self._workers.run(seal_acknowledgement, identity.private_key, due)
        contact = self._recipient(identity, due.contact)
        if sealed is None or contact is None:
            return NOBODY
        return await self._post(due, contact, sealed)

    def _recipient(self, owner: Identity, key: bytes) -> Contact | None:
        """Return the contact, unless it is not to get an acknowledgement any more."""
        synced = self._synced()
        contact = synced.contact_by_key(owner, PublicKey(key))
        is_there = synced.identity(owner.public_key) is not None and self._are_wanted()
        if contact is None or not is_there or key in self._blocked():
            return None
        return contact if contact.drop_urls and not is_blocked_contact(contact) else None

    async def _post(self, due: DueAcknowledgement, contact: Contact, sealed: bytes) -> Attempted:
        url = self._choose(contact.drop_urls)
        failed: DropServerError | None = None
        try:
            await self._client.post(url, sealed)
        except DropServerError as error:
            failed = error
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever the error is, there must be another attempt
            self._log.failure("Posting an acknowledgement failed unexpectedly")
            return Attempted(PostOutcome.FAILED)
        outcome = outcome_of(failed, self._no_drop_server(due.identity, url.server))
        if outcome is PostOutcome.REFUSED:
            most = min(MOST_REFUSALS, len(contact.drop_urls))
            return Attempted(outcome, is_last=due.refusals + 1 >= most)
        asked = failed.retry_after if isinstance(failed, ServerRefused) else None
        return Attempted(outcome, asked or 0.0)
