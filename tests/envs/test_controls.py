"""What actions do to scenes."""

import numpy as np
import pytest

from objrep_gym.envs.bodies import Bodies
from objrep_gym.envs.controls import MOVES, Move, Span, Still, Walk
from tests.envs.flat import FlatRoom, flat_game, scene

RADIUS = 0.09  # a sphere of size 0.1


def hand_at(factors: np.ndarray, room: FlatRoom) -> list[float]:
    return Bodies(room.about, ("hand",)).places(factors)[0, 0].tolist()


@pytest.mark.parametrize(("action", "place"), [(0, [0.2, 0.0]), (1, [0.0, 0.2]), (2, [-0.2, 0.0]), (3, [0.0, -0.2])])
def test_walk_steps_east_north_west_south(action, place):
    room = FlatRoom()
    factors = scene(flat_game(), hand=(0, 0), object_0=(0.5, 0.5))
    before = factors.copy()
    Walk(room, Span(0.2)).apply(np.array([action]), factors)
    assert hand_at(factors, room) == pytest.approx(place)
    hand = room.about.entities.index("hand")
    np.testing.assert_array_equal(np.delete(factors, hand, axis=1), np.delete(before, hand, axis=1))


def test_names_of_moves_are_in_the_order_of_actions():
    assert list(MOVES) == ["east", "north", "west", "south"]


def test_move_takes_parts_of_a_step():
    room = FlatRoom()
    factors = scene(flat_game(), hand=(0.1, 0.1))
    Move(room, Span(0.2)).apply(np.array([[0.5, -1.0]]), factors)
    assert hand_at(factors, room) == pytest.approx([0.2, -0.1])


@pytest.mark.parametrize(("action", "place"), [(0, [1 - RADIUS, 0.3]), (2, [-1 + RADIUS, 0.3])])
def test_a_wall_stops_the_hand_by_its_radius(action, place):
    room = FlatRoom()
    factors = scene(flat_game(), hand=(0, 0.3))
    for _ in range(20):
        Walk(room, Span(0.2)).apply(np.array([action]), factors)
    assert hand_at(factors, room) == pytest.approx(place)


def test_an_area_stops_the_hand_before_the_wall():
    room = FlatRoom()
    factors = scene(flat_game(), hand=(0, 0))
    for _ in range(20):
        Move(room, Span(0.2, area=(0.1, 0.0, 0.3, 0.25))).apply(np.array([[1.0, 1.0]]), factors)
    assert hand_at(factors, room) == pytest.approx([0.4, 0.25])


def test_rows_move_by_their_own_actions():
    room = FlatRoom()
    factors = np.concatenate([scene(flat_game(), hand=(0, 0))] * 3)
    Walk(room, Span(0.2)).apply(np.array([0, 1, 2]), factors)
    np.testing.assert_allclose(Bodies(room.about, ("hand",)).places(factors)[:, 0], [[0.2, 0], [0, 0.2], [-0.2, 0]])


@pytest.mark.parametrize("actions", [[4], [-1], [0.0], [[0]], [0, 1]], ids=str)
def test_discrete_actions_outside_the_space_are_refused(actions):
    with pytest.raises(ValueError, match="whole numbers from 0 to 3"):
        Walk(FlatRoom()).apply(np.array(actions), scene(flat_game(), hand=(0, 0)))
    with pytest.raises(ValueError, match="whole numbers from 0 to 0"):
        Still().apply(np.array([1]), scene(flat_game(), hand=(0, 0)))


@pytest.mark.parametrize("actions", [[[1.5, 0]], [[np.nan, 0]], [0.5, 0.5], [[0.1, 0.1, 0.1]]], ids=str)
def test_continuous_actions_outside_the_space_are_refused(actions):
    with pytest.raises(ValueError, match=r"two numbers in \[-1, 1\]"):
        Move(FlatRoom()).apply(np.array(actions), scene(flat_game(), hand=(0, 0)))


def test_bodies_name_what_is_missing():
    with pytest.raises(ValueError, match="no entity 'foot', only floor, object_0"):
        Bodies(FlatRoom().about, ("foot",))
