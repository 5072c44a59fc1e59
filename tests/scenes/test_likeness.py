"""Things that are drawn beside others, and sets of things that are held out."""

import numpy as np
import pytest

from objrep_gym.scenes.factors import Product, Uniform
from objrep_gym.scenes.heldout import HELD_OUT, THINGS, things
from objrep_gym.scenes.likeness import (
    COLOUR_OR_SHAPE,
    EVERYTHING,
    HUE_APART,
    ONE_PROPERTY,
    PROPERTIES,
    SIZES,
    Like,
    Unlike,
    differ,
)  # fmt: skip
from objrep_gym.scenes.variants import HEADING, IN_TWO_SIZES, SMALL
from objrep_gym.scenes.world import Streams

N = 500


def draw(one, name: str = "any", seed: int = 0):
    """A thing, and `one` beside it."""
    rng = np.random.default_rng(seed)
    first = things(name, IN_TWO_SIZES).sample(rng, N)
    return first, one.beside(rng, N, [first])


def equal(name: str, one, other) -> np.ndarray:
    return np.logical_and.reduce([one[factor] == other[factor] for factor in PROPERTIES[name]])


@pytest.mark.parametrize("name", THINGS)
@pytest.mark.parametrize("ways", [EVERYTHING, ONE_PROPERTY, COLOUR_OR_SHAPE], ids=["all", "one", "some"])
def test_unlike_differs_in_one_of_its_ways_and_in_nothing_else(ways, name):
    first, other = draw(Unlike(things(name, IN_TWO_SIZES), of=0, ways=ways), name)
    same = {prop: equal(prop, first, other) for prop in PROPERTIES}
    told_apart = {prop: differ(prop, first, other) for prop in PROPERTIES}
    assert all((same[prop] ^ told_apart[prop]).all() for prop in PROPERTIES)  # never a difference that cannot be seen
    found = {tuple(prop for prop in PROPERTIES if told_apart[prop][i]) for i in range(N)}
    assert found == set(ways)
    assert things(name, IN_TWO_SIZES).contains(other).all()
    assert set(other["size"]) <= set(SIZES)


def test_each_way_is_as_likely():
    first, other = draw(Unlike(IN_TWO_SIZES, of=0, ways=ONE_PROPERTY))
    shares = [differ(prop, first, other).mean() for prop in PROPERTIES]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.07)


def test_like_is_alike_but_for_what_is_its_own():
    first, other = draw(Like(0, own=HEADING))
    assert all(equal(prop, first, other).all() for prop in PROPERTIES)
    assert (first["heading"] != other["heading"]).all()


def test_hues_lie_on_a_circle():
    near, far = {"hue": np.array([0.01, 0.3])}, {"hue": np.array([0.99, 0.3 + HUE_APART + 1e-9])}
    assert differ("colour", near, far).tolist() == [False, True]


def test_unlike_says_when_nothing_will_do():
    red = {**IN_TWO_SIZES.sample(np.random.default_rng(0), N), "hue": np.zeros(N)}
    nearly_red = Product(IN_TWO_SIZES, Uniform("hue", 0.0, 0.1))
    with pytest.raises(ValueError, match="none of 64 draws"):
        Unlike(nearly_red, of=0, ways=EVERYTHING).beside(np.random.default_rng(0), N, [red])


def test_a_scene_depends_on_its_own_stream():
    def beside(seeds):
        rng = Streams([np.random.default_rng(seed) for seed in seeds])
        first = IN_TWO_SIZES.sample(rng, len(seeds))
        return Unlike(things("seen-shapes", IN_TWO_SIZES), 0, EVERYTHING).beside(rng, len(seeds), [first])

    together, alone = beside([1, 2, 3]), beside([2])
    assert all(together[name][1] == values[0] for name, values in alone.items())


@pytest.mark.parametrize("base", [SMALL, IN_TWO_SIZES], ids=["small", "two sizes"])
@pytest.mark.parametrize("which", HELD_OUT)
def test_what_is_seen_is_never_held_out_and_what_is_unseen_always(which, base):
    seen, unseen = (things(f"{part}-{which}", base) for part in ("seen", "unseen"))
    shown, kept = seen.sample(np.random.default_rng(0), 3000), unseen.sample(np.random.default_rng(1), 3000)
    assert not HELD_OUT[which].contains(shown).any()
    assert HELD_OUT[which].contains(kept).all()
    for drawn, belongs in ((shown, seen), (kept, unseen)):
        assert base.contains(drawn).all()
        assert belongs.contains(drawn).all()
        assert not (unseen if belongs is seen else seen).contains(drawn).any()


def test_shapes_and_colours_of_held_out_combinations_are_all_seen():
    shown = things("seen-combinations", SMALL).sample(np.random.default_rng(0), 3000)
    assert len(np.unique(shown["shape"])) == 6
    assert np.histogram(shown["hue"], bins=10, range=(0, 1))[0].min() > 100


def test_unknown_things_are_refused():
    with pytest.raises(ValueError, match="'seen-sizes' are none of any, seen-colours"):
        things("seen-sizes", SMALL)
