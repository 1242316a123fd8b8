"""Where messages come from, as it is remembered: removed, restored, compacted."""

from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.dropserver.message_sources import MessageSources
from qabel.host.http_server.sources import OLD

A, B = b"AAAA", b"BBBB"


def test_the_newest_of_each() -> None:
    """It is known of each source, also once newer ones are removed."""
    origins = MessageSources()
    for stamp, source in ((1, A), (2, B), (5, A), (9, B)):
        origins.add(stamp, source)
    assert (origins.newest(A), origins.newest(B), origins.newest(OLD)) == (5, 9, None)
    origins.remove(5)
    assert (origins.newest(A), origins.of(1), origins.of(5)) == (1, A, OLD)
    origins.remove(1)
    origins.remove(1)
    assert (origins.newest(A), len(origins)) == (None, 2)


def test_an_undone_transaction_gives_its_stamps_again() -> None:
    """A stamp that was removed at the end may come once more, with others before it."""
    origins = MessageSources()
    for stamp in (1, 7, 8):
        origins.add(stamp, A)
    origins.remove(8)
    origins.remove(7)
    origins.add(5, B)
    origins.add(8, A)
    assert (origins.of(5), origins.of(7), origins.of(8), len(origins)) == (B, OLD, A, 3)


def test_much_that_is_gone_takes_no_room() -> None:
    """Gaps are closed once there are more of them than messages."""
    origins = MessageSources()
    for stamp in range(20_000):
        origins.add(stamp, A if stamp % 10 else B)
    for stamp in range(20_000):
        if stamp % 10:
            origins.remove(stamp)
    origins.compact()
    assert (len(origins), len(origins._stamps)) == (2000, 2000)
    assert (origins.newest(A), origins.newest(B), origins.of(10)) == (None, 19_990, B)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from("arc"), st.integers(0, 30), st.sampled_from([A, B]))))
def test_like_a_dictionary(steps: list[tuple[str, int, bytes]]) -> None:
    """Whatever happens, it knows what a dictionary of the messages would."""
    origins, model, gone = MessageSources(), dict[int, bytes](), dict[int, bytes]()
    latest = 0
    for kind, number, source in steps:
        if kind == "a":
            latest += 1
            origins.add(latest, source)
            model[latest] = source
        elif kind == "r" and number in model:
            origins.remove(number)
            gone[number] = model.pop(number)
        elif kind == "c" and number in gone:
            origins.restore(number, gone[number])
            model[number] = gone.pop(number)
        for each in (A, B):
            found = max((stamp for stamp, its in model.items() if its == each), default=None)
            assert origins.newest(each) == found
        assert len(origins) == len(model)
    assert all(origins.of(stamp) == source for stamp, source in model.items())
