"""Isolation keys: equal for what may share a connection, and for nothing else."""

from qabel.drop.url import DropURL
from qabel.net.isolation import Isolation, Purpose

ALICE, BOB = b"a" * 32, b"b" * 32
OF_ALICE, ALSO_OF_ALICE, OF_BOB, OF_BOTH, STRANGE = (
    DropURL.parse("https://drop.example.org/" + letter * 43) for letter in "ABCDE"
)


def isolation(*, is_linkable: bool = False) -> Isolation:
    """Return the isolation of two identities with a drop in common."""
    made = Isolation(is_linkable=is_linkable)
    made.set_owners(
        {OF_ALICE: [ALICE], ALSO_OF_ALICE: [ALICE], OF_BOB: [BOB], OF_BOTH: [ALICE, BOB]}
    )
    return made


def test_an_identity_reads_all_its_drops_with_one_key() -> None:
    """Two drops of one identity have the same key, those of another identity another one."""
    keys = isolation()
    assert keys.reading(OF_ALICE) == keys.reading(ALSO_OF_ALICE)
    assert keys.reading(OF_ALICE) != keys.reading(OF_BOB)


def test_a_drop_of_several_identities_has_a_key_of_its_own() -> None:
    """Reading it tells nothing about the drops that each of them has alone."""
    keys = isolation()
    assert keys.reading(OF_BOTH) not in (keys.reading(OF_ALICE), keys.reading(OF_BOB))
    assert keys.reading(OF_BOTH) == keys.reading(OF_BOTH)


def test_reading_and_push_are_apart() -> None:
    """The connection of a push listener is for nothing else."""
    keys = isolation()
    assert keys.push(OF_ALICE) != keys.reading(OF_ALICE)
    assert keys.push(OF_ALICE).purpose is Purpose.PUSH


def test_nothing_shares_a_posting_or_a_test() -> None:
    """Each posting, and each reading of a drop that is nobody's, has a key of its own."""
    keys = isolation()
    single = [keys.posting(), keys.posting(), keys.reading(STRANGE), keys.reading(STRANGE)]
    assert len(set(single)) == 4
    assert not any(each.is_kept for each in single)


def test_an_identity_asks_with_the_key_that_it_will_read_with() -> None:
    """What a server is asked for a new identity shows nothing of others."""
    keys = isolation()
    asking = keys.asking(b"c" * 32)
    assert asking not in (keys.reading(OF_ALICE), keys.asking(BOB))
    assert not keys.is_used(asking)
    keys.set_owners({STRANGE: [b"c" * 32]})
    assert keys.reading(STRANGE) == asking


def test_keys_are_used_as_long_as_their_owner_reads() -> None:
    """The key of an identity without drops, and that of a single request, are not used again."""
    keys = isolation()
    before = keys.reading(OF_BOB)
    assert keys.is_used(before)
    changes = []
    keys.on_change(lambda: changes.append(keys.is_used(before)))
    keys.set_owners({OF_ALICE: [ALICE]})
    assert changes == [False]
    assert not keys.is_used(keys.posting())


def test_linkable_is_one_key_for_everything() -> None:
    """Without isolation all requests may share their connections."""
    keys = isolation(is_linkable=True)
    every = {keys.reading(OF_ALICE), keys.reading(OF_BOB), keys.push(OF_BOB), keys.posting()}
    every.add(keys.asking(BOB))
    assert len(every) == 1
    assert keys.is_used(every.pop())


def test_keys_do_not_show_who_it_is() -> None:
    """A key may stand in a log: it names no identity and no drop."""
    assert "aaaa" not in repr(isolation().reading(OF_ALICE))
