"""What is remembered of drops: the last ones that were asked for, and what changed of them."""

from attrs import define, field

from qabel.dropserver.remembered import Remembered

A, B, C = b"a", b"b", b"c"


@define
class Reading:
    """Reads values, and notes of which drops."""

    read: list[bytes] = field(factory=list)

    def __call__(self, place: bytes) -> int:
        """Return the number of the drop's letter."""
        self.read.append(place)
        return place[0] - ord("a")


def test_what_is_known_is_not_read() -> None:
    """Each is read once, while it is among the last ones."""
    known, reading = Remembered[int](2), Reading()
    assert [known.find(each, reading) for each in (A, B, A, C, A)] == [0, 1, 0, 2, 0]
    assert reading.read == [A, B, C]
    assert known.find(B, reading) == 1
    assert reading.read == [A, B, C, B]


def test_what_is_noted() -> None:
    """It is remembered like what is read, and replaces that."""
    known, reading = Remembered[int](2), Reading()
    known.note(A, 7)
    known.note(B, 8)
    known.note(A, 9)
    known.note(C, 1)
    assert [known.find(each, reading) for each in (C, B)] == [1, 1]
    assert reading.read == [B]


def test_changes() -> None:
    """What is not known cannot change, and what is forgotten is read again."""
    known, reading = Remembered[int](), Reading()
    known.change(B, lambda value: value + 5)
    assert known.find(B, reading) == 1
    known.change(B, lambda value: value + 5)
    assert known.find(B, reading) == 6
    known.forget(B)
    known.forget(C)
    assert known.find(B, reading) == 1
    known.note(A, 9)
    known.clear()
    assert [known.find(each, reading) for each in (A, B)] == [0, 1]


def test_nothing_is_a_value_too() -> None:
    """That a drop has none is remembered as well."""
    known: Remembered[int | None] = Remembered()
    asked = []

    def read(place: bytes) -> None:
        asked.append(place)

    assert known.find(A, read) is known.find(A, read) is None
    assert asked == [A]
