"""The index does what a dictionary of paths would do, whatever two accounts ask for."""

from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qabel.blockserver import object_index
from qabel.blockserver.block_values import BlockRefused, Conditions, ObjectPath, StoredObject
from qabel.blockserver.object_index import ObjectIndex
from tests.blockserver.conftest import ANNA, BOB
from tests.blockserver.indexes import SMALL_QUOTA, charged, index_in

MOST = 4
"""Objects of an account."""

CONDITIONS = ("none", "any", "nothing", "this", "not this", "another")


@attrs.frozen
class Step:
    """A request to change something."""

    token: str
    prefix: int
    """Anna has two prefixes, the third one is Bob's."""
    name: str
    size: int | None
    """None to remove what is there."""
    condition: str


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from([ANNA, BOB]),
        st.integers(0, 2),
        st.sampled_from(["a", "b", "c"]),
        st.one_of(st.none(), st.integers(0, SMALL_QUOTA + 1)),
        st.sampled_from([*CONDITIONS, "none", "none"]),
    ),
    max_size=25,
)


def conditions_of(step: Step, there: StoredObject | None) -> Conditions:
    """Return the conditions of a request, by what is there."""
    tag = '"none"' if there is None else there.etag
    return {
        "none": Conditions(),
        "any": Conditions(if_match=("*",)),
        "nothing": Conditions(if_none_match=("*",)),
        "this": Conditions(if_match=('"x"', tag)),
        "not this": Conditions(if_none_match=(tag,)),
        "another": Conditions(if_match=('"x"',)),
    }[step.condition]


@attrs.define(eq=False)
class Model:
    """What there should be."""

    prefixes: list[str]
    stored: dict[ObjectPath, StoredObject] = attrs.field(factory=dict)

    def owner(self, prefix: str) -> str:
        """Return whose prefix it is."""
        return ANNA if prefix in self.prefixes[:2] else BOB

    def charge(self, token: str) -> tuple[int, int]:
        """Return how many bytes someone has, in how many objects."""
        sizes = [
            each.size for path, each in self.stored.items() if self.owner(path.prefix) == token
        ]
        return sum(sizes), len(sizes)

    def refusal(self, step: Step, path: ObjectPath) -> int:
        """Return the status with which a request should be refused; 0 if it should not."""
        there = self.stored.get(path)
        used, objects = self.charge(step.token)
        if step.token != self.owner(path.prefix):
            return 403
        is_met = {
            "none": True,
            "another": False,
            **dict.fromkeys(("any", "this"), there is not None),
            **dict.fromkeys(("nothing", "not this"), there is None),
        }
        if not is_met[step.condition]:
            return 412
        if step.size is None:
            return 0
        before = 0 if there is None else there.size
        is_too_much = step.size > before and used - before + step.size > SMALL_QUOTA
        return 402 if is_too_much or (there is None and objects >= MOST) else 0


def everything(index: ObjectIndex) -> list[object]:
    """Return all rows."""
    tables = ("token", "prefix", "entry")
    return [index.connection.execute(f"SELECT * FROM {each}").fetchall() for each in tables]


def change(index: ObjectIndex, step: Step, path: ObjectPath, new: StoredObject) -> str:
    """Do what is requested; return the name of the object that was there."""
    conditions = conditions_of(step, index.find(path))
    with index.transaction():
        if step.size is None:
            return index.remove(step.token, path, conditions)
        index.admit(step.token, path, conditions, step.size)
        return index.put(step.token, path, conditions, new)


def take_step(index: ObjectIndex, model: Model, step: Step, name: str) -> None:
    """Request a change, and compare what comes of it."""
    path, new = (
        ObjectPath(model.prefixes[step.prefix], step.name),
        StoredObject(name, step.size or 0),
    )
    before, status = everything(index), model.refusal(step, path)
    if status:
        with pytest.raises(BlockRefused) as raised:
            change(index, step, path, new)
        assert raised.value.status == status
        assert everything(index) == before
        return
    there = model.stored.pop(path, None)
    assert change(index, step, path, new) == ("" if there is None else there.object)
    if step.size is not None:
        model.stored[path] = new


@settings(max_examples=60)
@given(steps=STEPS)
def test_it_does_what_a_dictionary_would_do(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    """What is charged is always what is there, within the limits; a refusal changes nothing."""
    folder: Path = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patched, index_in(folder) as index:
        patched.setattr(object_index, "FREE_OBJECTS", MOST)
        patched.setattr(object_index, "LEAST_CHARGE", SMALL_QUOTA + 1)
        index.connection.execute("PRAGMA synchronous = OFF")
        model = Model([index.make_prefix(token) for token in (ANNA, ANNA, BOB)])
        for number, step in enumerate(steps):
            take_step(index, model, step, f"object {number}")
            for token in (ANNA, BOB):
                assert charged(index, token) == model.charge(token)
                assert charged(index, token) <= (SMALL_QUOTA, MOST)
            for prefix in model.prefixes:
                there = [(p.name, each) for p, each in model.stored.items() if p.prefix == prefix]
                assert index.names(model.owner(prefix), prefix, "", 9) == sorted(
                    there, key=lambda pair: pair[0]
                )
