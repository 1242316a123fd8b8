"""The parts that send acknowledgements are built for a core."""

from tests.core.conftest import ClockedWorld


def test_acknowledgements_know_their_core(clocked: ClockedWorld) -> None:
    """They look at the settings, the contacts and the blocked keys of their core, as they are."""
    alice, bob = clocked.run(clocked.friends())
    attempts = bob.acknowledgements._attempts
    [identity], [contact] = bob.people.identities(), bob.people.contacts()
    pair = bytes.fromhex(identity.public_key), bytes.fromhex(contact.public_key)
    assert set(attempts.allowed() or ()) == {pair}
    [other] = alice.synced.value.identities
    clocked.run(bob.blocked.add(other.public_key))
    assert set(attempts.allowed() or ()) == set()
    clocked.run(bob.local.set("privacy.acknowledge", "never"))
    assert attempts.allowed() is None
