"""What all messages take, by the sums."""

from qabel.dropserver.message_values import MESSAGE_SIZE, Post, charge
from qabel.dropserver.postgresql.link import DatabaseLink
from qabel.dropserver.postgresql.posting import Eviction, PostWriter
from qabel.dropserver.postgresql.schema import bring_up_to_date
from qabel.dropserver.postgresql.summing import read_usage
from qabel.dropserver.usage import LARGEST_SHARES, Usage

ONE = charge(MESSAGE_SIZE)


def test_nothing(database: str) -> None:
    """An empty database takes nothing."""
    link = DatabaseLink(database, bring_up_to_date)
    assert read_usage(link, 7) == Usage(0, 0, 7, [], False)
    link.close()


def test_the_largest_shares(database: str) -> None:
    """All are counted, and what the heaviest hold is told; what is gone is not."""
    link = DatabaseLink(database, bring_up_to_date)
    writer = PostWriter(link)
    sources = [number for number in range(1, 16) for _ in range(number)]
    posts = [Post("a" * 43, b"body")] * len(sources)
    writer.store(posts, sources, drop_quota=1000)
    writer.store([], [], evictions=[Eviction(15, 15), Eviction(14, 1)], drop_quota=1000)
    found = read_usage(link, 10**9)
    assert found.messages == len(sources) - 16
    assert found.charged == found.messages * ONE
    assert found.shares == [
        held * ONE for held in (13, 13, *range(12, 15 - LARGEST_SHARES - 1, -1))
    ]
    assert len(found.shares) == LARGEST_SHARES
    assert not found.is_disk_full
    link.close()
