"""The plan of the torture: the same for the same seed, and everything is in it."""

from tests.torture.blows import KINDS_OF_VICTIMS, plan


def test_the_seed_decides() -> None:
    """The same seed gives the same blows, another one others."""
    assert plan(3, 50, damages=True) == plan(3, 50, damages=True)
    assert plan(3, 50, damages=True) != plan(4, 50, damages=True)
    assert plan(3, 50, damages=True)[:20] == plan(3, 20, damages=True)


def test_everybody_is_hit_in_every_way() -> None:
    """A run of a hundred kills hits each kind of process, freezes, fills disks and damages."""
    for seed in range(20):
        blows = plan(seed, 100, damages=True)
        assert {each.kind for each in blows} == set(KINDS_OF_VICTIMS)
        assert any(each.freeze for each in blows)
        assert {each.kind for each in blows if each.fill} == {"daemon", "server"}
        damaged = [each for each in blows if each.damage is not None]
        assert damaged
        assert all(each.kind == "daemon" for each in damaged)
        assert not any(each.damage for each in plan(seed, 100, damages=False))
