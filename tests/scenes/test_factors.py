"""Distributions recognise what they draw, and leave out what they must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from objrep_gym.scenes.factors import Choice, Mixture, Product, Uniform, Without
from objrep_gym.scenes.palette import VIVID, rgb
from objrep_gym.scenes.variants import SMALL, SOLID

RED = Uniform("hue", 0.0, 0.1)
DISTRIBUTIONS = {
    "uniform": Uniform("x", -1.0, 2.0),
    "choice": Choice("shape", (0.0, 2.0, 5.0)),
    "product": Product(Uniform("x", 0.0, 1.0), Choice("y", (3.0,))),
    "mixture": Mixture((Uniform("x", 0.0, 1.0), Uniform("x", 5.0, 6.0)), (1.0, 3.0)),
    "without": Without(VIVID, RED),
    "solid": SOLID,
    "small": SMALL,  # its size is decided twice
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@given(seed=st.integers(0, 2**32 - 1))
def test_recognises_its_samples(name: str, seed: int):
    drawn = DISTRIBUTIONS[name].sample(np.random.default_rng(seed), 20)
    assert all(values.shape == (20,) for values in drawn.values())
    assert DISTRIBUTIONS[name].contains(drawn).all()


def test_without_leaves_the_hole_out():
    drawn = Without(VIVID, RED).sample(np.random.default_rng(0), 5000)
    assert not RED.contains(drawn).any()
    assert drawn["hue"].max() > 0.99
    assert not Without(VIVID, RED).contains({"hue": np.array([0.05]), "saturation": np.array([0.9]), "value": np.ones(1)})


def test_without_says_when_nothing_is_left():
    with pytest.raises(ValueError, match="leaves too little"):
        Without(RED, Uniform("hue", -1.0, 1.0)).sample(np.random.default_rng(0), 3)


def test_mixture_keeps_its_weights():
    drawn = DISTRIBUTIONS["mixture"].sample(np.random.default_rng(0), 20_000)
    assert (drawn["x"] > 3).mean() == pytest.approx(0.75, abs=0.02)


def test_a_later_part_decides():
    drawn = Product(Choice("x", (1.0,)), Choice("x", (2.0,))).sample(np.random.default_rng(0), 4)
    np.testing.assert_array_equal(drawn["x"], 2.0)


def test_colours_agree_with_the_standard_library():
    import colorsys

    hsv = np.random.default_rng(0).random((200, 3))
    np.testing.assert_allclose(rgb(hsv), [colorsys.hsv_to_rgb(*one) for one in hsv], atol=1e-12)
