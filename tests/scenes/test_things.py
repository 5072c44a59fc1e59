"""Things put together from solids: what a row of factors draws, and what lies flat."""

import numpy as np
import pytest

from objrep_gym.scenes.shapes import EXTENTS, HEIGHT, SHAPES
from objrep_gym.scenes.things import FACTORS, KINDS, SOLID_THINGS, draw_things, footprint, height


def row(**factors: float) -> np.ndarray:
    """One thing as (1, 1, F)."""
    known = {"hue": 0.6, "saturation": 0.9, "value": 1.0, "size": 0.5, "x": 1.0, "y": -2.0, "heading": 0.3}
    return np.array([[[(known | factors).get(name, np.nan) for name in FACTORS]]])


def test_the_first_kinds_are_the_solids():
    assert tuple(kind.name for kind in KINDS[: len(SHAPES)]) == SHAPES
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", range(len(SHAPES)), ids=SHAPES)
def test_a_solid_rests_on_the_floor_where_its_factors_say(kind):
    drawn = draw_things(row(shape=kind), first=6)
    assert drawn.shape.tolist() == [[kind]]
    assert drawn.entity.tolist() == [[6]]
    np.testing.assert_allclose(drawn.centre[0, 0], (1.0, -2.0, 0.5 * HEIGHT[kind]))
    np.testing.assert_allclose(drawn.extents[0, 0], 0.5 * EXTENTS[kind])


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=[kind.name for kind in KINDS])
def test_no_piece_reaches_beyond_the_footprint_or_into_the_floor(kind):
    drawn = draw_things(row(shape=kind, x=0.0, y=0.0), first=6)
    there = drawn.present[0]
    assert there.sum() == SOLID_THINGS.counts[kind] <= SOLID_THINGS.most
    corners = np.stack(np.meshgrid(*[(-1, 1)] * 3), axis=-1).reshape(-1, 3)
    if drawn.shape[0, 0] == SHAPES.index("cube"):  # the box around any other solid is wider than it is
        for centre, axes, extents in zip(
            drawn.centre[0, there], drawn.axes[0, there], drawn.extents[0, there], strict=True
        ):
            points = centre + (corners * extents) @ axes.T
            assert np.linalg.norm(points[:, :2], axis=1).max() <= footprint(row(shape=kind))[0, 0] + 1e-6
            assert points[:, 2].min() > -1e-9


def test_what_does_not_exist_is_not_drawn():
    nothing = np.full((1, 1, len(FACTORS)), np.nan)
    assert not draw_things(nothing, first=6).present.any()
    assert np.isnan(footprint(nothing)).all()
    assert np.isnan(height(nothing)).all()


def test_what_lies_flat_throws_no_shadow():
    casts = [draw_things(row(shape=kind), first=6).casts.any() for kind in range(len(KINDS))]
    assert casts == [bool(kind.pieces) and not kind.flat for kind in KINDS]
