"""Pushing onto a pad: what scenes are worth in hand-placed rooms, and what the rooms of the two tasks hold."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.envs.contact import Contact
from objrep_gym.envs.controls import Push, Span, Walk
from objrep_gym.envs.objects_room import Game
from objrep_gym.envs.pads import PushOnto
from objrep_gym.envs.push_ordered import ORDER
from objrep_gym.envs.pushing import ROUND
from objrep_gym.envs.tasks import Dense
from objrep_gym.scenes.heldout import HELD_OUT
from objrep_gym.scenes.palette import BLUE
from objrep_gym.scenes.things import HUE, KINDS, SHAPE
from objrep_gym.wrappers.oracle import Oracle
from tests.envs.flat import FACTORS, flat_game, scene

RED, GREEN, FAR, PAD = 0.0, 1 / 3, (0.8, 0.8), [kind.name for kind in KINDS].index("pad")
EAST, NORTH, WEST, SOUTH = range(4)
ONE, TWO = (BLUE,), (BLUE, RED)


def placed(hues: tuple[float, ...] = ONE, dense: bool = False, **places) -> tuple[Game, np.ndarray]:
    """A blue, a red and a green disc with a radius of 0.09 m, `object_0` to `object_2`, on a flat floor with a pad, whose
    radius is 0.1 m."""
    flat = flat_game(distractors=3)
    world, about = flat.world, flat.world.about
    named = {"pad": "object_3"}
    factors = scene(flat, **{named.get(name, name): place for name, place in places.items()})
    for entity, name, value in (("object_0", "hue", BLUE), ("object_1", "hue", RED), ("object_2", "hue", GREEN)):
        row = about.entities.index(entity)
        if not np.isnan(factors[0, row, 0]):
            factors[0, row, FACTORS.index(name)] = value
    factors[0, about.entities.index("object_3"), FACTORS.index("shape")] = PAD
    task = PushOnto(about, hues, pad="object_3")
    control = Push(Walk(world, Span(0.1)), Contact(about, world.half_width))
    return Game(world, control, Dense(task) if dense else task), factors


def judge(hues=ONE, **places):
    game, factors = placed(hues, **places)
    return tuple(values.tolist()[0] for values in game.task.judge(factors))


@pytest.mark.parametrize(
    ("places", "verdict"),
    [
        ({"object_0": (0.09, 0)}, (1.0, True, True)),
        ({"object_0": (0.11, 0)}, (0.0, False, False)),  # it overlaps the pad, and its middle is not there
        ({"object_0": FAR, "object_1": (0, 0)}, (0.0, False, False)),  # what else lies there does not matter
        ({"object_0": (0.05, 0), "object_1": (-0.09, 0)}, (1.0, True, True)),
        ({"object_1": (0, 0)}, (0.0, False, False)),  # nothing is left to push
    ],
    ids=["on", "beside", "another", "both", "gone"],
)
def test_the_middle_of_the_thing_must_be_on_the_pad(places, verdict):
    assert judge(hand=(-0.8, 0), pad=(0, 0), **places) == verdict


@pytest.mark.parametrize(
    ("places", "verdict"),
    [
        ({"object_0": (0, 0), "object_1": FAR}, (0.5, False, False)),
        ({"object_0": FAR, "object_1": (0, 0)}, (0.0, False, True)),  # before its turn
        ({"object_0": FAR, "object_1": (-0.8, -0.8), "object_2": (0, 0)}, (0.0, False, False)),
        ({"object_0": (0.09, 0), "object_1": (-0.09, 0)}, (0.5, False, False)),  # the right one counts first
        ({"object_1": (0, 0)}, (0.5, True, True)),  # the blue one was taken out before
    ],
    ids=["first", "wrong", "none-of-them", "both", "last"],
)
def test_the_order_is_kept(places, verdict):
    assert judge(TWO, hand=(-0.8, 0), pad=(0, 0), **places) == verdict


def walk(game: Game, factors: np.ndarray, *actions: int) -> tuple[np.ndarray, list[tuple]]:
    """The scene after a walk, and its rewards, successes and ends."""
    found = []
    for action in actions:
        factors, verdict = game.play(factors, np.array([action]))
        found.append(tuple(values.tolist()[0] for values in verdict))
    return factors, found


def test_the_first_is_taken_out_and_the_last_stays():
    game, factors = placed(TWO, hand=(-0.5, 0), object_0=(-0.31, 0), object_1=(0, 0.35), pad=(0, 0))
    entities, before = game.world.about.entities, factors.copy()
    after, found = walk(game, factors, EAST, EAST, EAST)
    assert [reward for reward, *_ in found] == [0.0, 0.0, 0.5]
    assert not any(ended for *_, ended in found)
    assert np.isnan(after[0, entities.index("object_0")]).all()
    np.testing.assert_array_equal(factors, before)
    back = (WEST,) * 2 + (NORTH,) * 6 + (EAST,) * 4  # around, to push the other one south
    after, found = walk(game, after, *back, *(SOUTH,) * 4)
    assert found[-1] == (0.5, True, True)
    assert not np.isnan(after[0, entities.index("object_1")]).any()


def test_shaping_is_the_way_of_the_thing_and_of_the_hand_and_there_and_back_is_worth_nothing():
    game, factors = placed(dense=True, hand=(-0.8, 0), object_0=(-0.4, 0), pad=(0.2, 0))
    _, found = walk(game, factors, EAST, EAST, EAST)
    assert found[0][0] == found[1][0] == pytest.approx(0.1, abs=1e-6)  # to where it must stand, at -0.58
    after, found = walk(game, factors, EAST, EAST, WEST, NORTH, SOUTH, WEST)
    assert sum(reward for reward, *_ in found) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(after, factors, atol=1e-6)
    _, found = walk(game, factors, *(EAST,) * 10)
    made = [reward for reward, success, _ in found if not success]
    assert any(success for _, success, _ in found)
    assert made[:2] == pytest.approx([0.1, 0.1], abs=1e-6)
    assert min(made[3:6]) > 0.08  # the thing goes nearer, and the hand keeps its place behind it
    assert max(made[3:6]) < 0.101


def test_shaping_does_not_jump_when_the_turn_passes_to_another_and_is_silent_without_one():
    game, factors = placed(TWO, dense=True, hand=(-0.3, 0), object_0=(-0.11, 0), object_1=(0.8, 0.35), pad=(0, 0))
    _, found = walk(game, factors, EAST)
    assert 0.5 < found[0][0] < 0.5 + 0.2
    game, factors = placed(dense=True, hand=(-0.3, 0), object_2=(0.3, 0), pad=(0, 0))
    assert walk(game, factors, EAST)[1] == [(0.0, False, False)]


def test_a_pad_that_is_not_there():
    with pytest.raises(ValueError, match="no entity 'pad'"):
        PushOnto(flat_game().world.about, ONE)


def drawn(name: str, count: int = 200, **options) -> tuple[Game, np.ndarray]:
    env = gym.make_vec(f"ObjRep/{name}-v0", num_envs=count, info=("factors",), draws=False, **options)
    _, infos = env.reset(seed=3)
    return env.unwrapped.game, infos["factors"]


@pytest.mark.parametrize("camera", ["fixed", "low", "ring"])
@pytest.mark.parametrize(("name", "hues"), [("Push", ONE), ("PushOrdered", TWO)])
def test_rooms_to_push_in(name, hues, camera):
    game, factors = drawn(name, camera=camera)
    task, control = game.task, game.control
    which, there = task.which(factors)
    assert there.all()
    assert set(which[:, 0]) == {0, 1, 2, 3}  # its number does not tell
    assert len({*map(tuple, task.pad.places(factors)[:, 0].tolist())}) == 1
    assert not task.arrived(factors).any()
    assert nearest(task, factors) > -0.05  # in a full room circles around corners may cross
    low, high = control.contact.low, control.contact.high
    for bodies in (task.things, task.pad):
        places = bodies.places(factors)
        assert ((places >= low - 1e-6) & (places <= high + 1e-6)).all()
    widest = (task.things.radii(factors).max() + task.hand.radii(factors).max()).item()
    assert widest < ROUND
    hand_low, hand_high = control.hand.bounds(factors)
    np.testing.assert_allclose([low - hand_low[0, 0], hand_high[0, 0] - high], ROUND, rtol=1e-6)


def nearest(task: PushOnto, factors: np.ndarray) -> float:
    """Metres between the circles of the two things, or hand and thing, that are nearest to each other in any scene."""
    both = [
        np.concatenate([of(factors) for of in pair], axis=1)
        for pair in ((task.things.places, task.hand.places), (task.things.radii, task.hand.radii))
    ]
    places, radii = both
    gaps = np.linalg.norm(places[:, :, None] - places[:, None], axis=-1) - radii[:, :, None] - radii[:, None]
    return float((gaps + np.where(np.eye(gaps.shape[1]), np.inf, 0)).min())


def test_the_pad_lies_anywhere_by_request():
    game, factors = drawn("PushAnywhere", 300)
    places = game.task.pad.places(factors)[:, 0]
    spread = (places - game.control.contact.low) / (game.control.contact.high - game.control.contact.low)
    assert spread.min() < 0.03
    assert spread.max() > 0.97
    np.testing.assert_allclose(spread.mean(axis=0), 0.5, atol=0.06)
    assert not game.task.arrived(factors).any()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_few_cubes_in_order(count):
    game, factors = drawn("PushOrdered", count=count, objects=5)
    hues = list(ORDER.values())[:count]
    which, there = game.task.which(factors)
    assert there.all()
    kinds = factors[:, game.task.things.rows, SHAPE]
    assert (np.take_along_axis(kinds, which, axis=1) == 0).all()
    colours = factors[:, game.task.things.rows, HUE]
    for row, chosen in enumerate(which):  # other cubes have other colours
        rest = np.setdiff1d(np.flatnonzero(kinds[row] == 0), chosen)
        apart = np.abs(colours[row, rest][:, None] - np.float32(hues)) % 1
        assert (np.minimum(apart, 1 - apart) > 0.119).all()


@pytest.mark.parametrize("which", HELD_OUT)
def test_other_things_are_held_out_and_the_cube_is_not(which):
    for part in ("Seen", "Unseen"):
        game, factors = drawn(f"Push{part}{which.capitalize()}", 100)
        others = np.arange(4) != game.task.next(factors)[:, None]
        shown = factors[:, game.task.things.rows][others]
        held_out = HELD_OUT[which].contains(dict(zip(game.world.about.factors, shown.T, strict=True)))
        assert held_out.all() if part == "Unseen" else not held_out.any()


def test_oracle_slots_tell_a_pad_from_all_other_things():
    game, factors = drawn("Push", 5)
    oracle = Oracle(game.world.about, game.world.half_width)
    slots = oracle(factors)
    column = oracle.names.index(f"shape_{PAD}")
    pad = list(game.world.about.entities).index("pad") - game.world.about.background
    assert (slots[..., column] == (np.arange(slots.shape[1]) == pad)).all()


def test_keywords_that_are_none():
    with pytest.raises(ValueError, match="goal 'heaven' is none of corner, anywhere"):
        gym.make("ObjRep/Push-v0", goal="heaven")
    with pytest.raises(ValueError, match="count=5 of 6 objects is not from 2 to 4"):
        gym.make("ObjRep/PushOrdered-v0", count=5, objects=6)
    with pytest.raises(ValueError, match="count=4 of 3 objects is not from 2 to 3"):
        gym.make("ObjRep/PushOrdered-v0", count=4, objects=3)
    with pytest.raises(TypeError, match=r"knows no count: its keywords are control, .*, goal"):
        gym.make("ObjRep/Push-v0", count=2)
    with pytest.raises(TypeError, match=r"knows no colours and no goal: its keywords are control, .*, draws"):
        gym.make("ObjRep/Reach-v0", colours=2, goal="corner")
