"""Analogies: that there is one answer, that it follows from the cues, and that nothing less than all cues finds it."""

import gymnasium as gym
import numpy as np
import pytest

from objrep_gym.envs.analogy import game
from objrep_gym.envs.tasks import TouchAnswer
from objrep_gym.scenes.analogy import LARGER, OPTIONS
from objrep_gym.scenes.heldout import HELD_OUT, THINGS
from objrep_gym.scenes.likeness import HUE_APART, SIZES
from objrep_gym.scenes.things import FACTORS, HUE, PLACE, SATURATION, SHAPE, SIZE
from tests.envs.flat import FACTORS as FLAT
from tests.envs.flat import flat_game, scene

PROPERTIES = ("colour", "shape", "size")


def drawn(count: int = 2000, **options):
    """A game, and scenes of it: options (N, 4, F) and cues (N, 3, F), those in their order A, B, C."""
    made = game(draws=False, **options)
    factors, about = made.draw([np.random.default_rng(seed) for seed in range(count)]), made.world.about
    rows = [about.entities.index(f"cue_{name}") for name in "abc"]
    return made, factors, factors[:, about.background : about.background + OPTIONS], factors[:, rows]


def looks(things: np.ndarray, larger: float = 1.0) -> np.ndarray:
    """int (N, K, 3): colour, shape and size of things as numbers; hues that cannot be told apart are one colour."""
    sizes = np.abs(things[..., SIZE, None] / larger - np.array(SIZES)).argmin(axis=-1)
    assert np.allclose(things[..., SIZE], larger * np.array(SIZES)[sizes], atol=1e-5)
    return np.stack([np.round(things[..., HUE] * 1e4), things[..., SHAPE], sizes], axis=-1).astype(int)


@pytest.fixture(scope="module")
def puzzles():
    """Options (N, 4, 3), cues (N, 3, 3) as `looks`, and which option is the answer (N,)."""
    made, factors, options, cues = drawn()
    return looks(options), looks(cues, LARGER), made.task.goals(factors).argmax(axis=1)


def test_the_answer_is_the_third_cue_with_what_changed_between_the_first_two(puzzles):
    options, cues, answer = puzzles
    for option, (a, b, c), right in zip(options, cues, answer, strict=True):
        wanted = [b[i] if a[i] != b[i] else c[i] for i in range(3)]
        assert [i for i in range(OPTIONS) if list(option[i]) == wanted] == [right]
        changed, told = a != b, a != c
        assert 1 <= changed.sum() <= 2
        assert told.any()
        assert not (changed & told).any()  # C has of what changes what A had: an A becomes a B in it, too
    assert np.bincount(answer).min() > 400


def test_every_change_is_met(puzzles):
    _, cues, _ = puzzles
    changes = {tuple(np.flatnonzero(a != b)) for a, b, _ in cues}
    assert changes == {(0,), (1,), (2,), (0, 1), (0, 2), (1, 2)}
    twice = (cues[:, 0] != cues[:, 1]).sum(axis=1) == 2
    assert 0.12 < twice.mean() < 0.22  # a sixth


def test_colours_that_differ_can_be_told_apart():
    _, _, options, cues = drawn(500)
    hue, saturation = (np.concatenate([options, cues], axis=1)[..., column] for column in (HUE, SATURATION))
    between = np.abs(hue[:, :, None] - hue[:, None])
    between = np.minimum(between, 1 - between)
    same = (between < 1e-6) & (np.abs(saturation[:, :, None] - saturation[:, None]) < 1e-6)
    assert (same | (between > HUE_APART - 1e-6)).all()


def test_among_themselves_options_are_even(puzzles):
    """Two of the properties have two values, each in two options, in every combination; the third has one."""
    for option in puzzles[0]:
        values = [np.unique(option[:, i], return_counts=True)[1].tolist() for i in range(3)]
        assert sorted(values) == [[2, 2], [2, 2], [4]]
        assert len(np.unique(option, axis=0)) == OPTIONS


def alike(options: np.ndarray, cue: np.ndarray) -> np.ndarray:
    """int (N, 4): in how many properties each option is like a cue (N, 3)."""
    return (options == cue[:, None]).sum(axis=-1)


def typical(options: np.ndarray) -> np.ndarray:
    return (options[:, :, None] == options[:, None]).sum(axis=(2, 3))


def known(options: np.ndarray, cues: np.ndarray) -> np.ndarray:
    """bool (N, 4): options that are a cue once more."""
    return (options[:, :, None] == cues[:, None]).all(axis=-1).any(axis=-1)


SHORTCUTS = {
    "most like A": lambda options, cues: alike(options, cues[:, 0]),
    "least like A": lambda options, cues: -alike(options, cues[:, 0]),
    "most like B": lambda options, cues: alike(options, cues[:, 1]),
    "least like B": lambda options, cues: -alike(options, cues[:, 1]),
    "most like C": lambda options, cues: alike(options, cues[:, 2]),
    "least like C": lambda options, cues: -alike(options, cues[:, 2]),
    "most like any cue": lambda options, cues: np.max([alike(options, cues[:, i]) for i in range(3)], axis=0),
    "most like all cues": lambda options, cues: sum(alike(options, cues[:, i]) for i in range(3)),
    "least like all cues": lambda options, cues: -sum(alike(options, cues[:, i]) for i in range(3)),
    "odd one out": lambda options, cues: -typical(options),
    "most typical": lambda options, cues: typical(options),
    "no copy of a cue": lambda options, cues: ~known(options, cues),
    **{
        f"{name} of {'ABC'[cue]}": lambda options, cues, i=i, cue=cue: options[..., i] == cues[:, cue, None, i]
        for i, name in enumerate(PROPERTIES)
        for cue in range(3)
    },
    **{
        f"another {name} than A": lambda options, cues, i=i: options[..., i] != cues[:, 0, None, i]
        for i, name in enumerate(PROPERTIES)
    },
}


def success(scores: np.ndarray, answer: np.ndarray) -> float:
    """Rate of a hand that touches an option of the highest score, any of those that share it."""
    best = scores == scores.max(axis=1, keepdims=True)
    return float((best[np.arange(len(answer)), answer] / best.sum(axis=1)).mean())


@pytest.mark.parametrize("name", SHORTCUTS)
def test_no_shortcut_pays(puzzles, name):
    options, cues, answer = puzzles
    assert success(np.asarray(SHORTCUTS[name](options, cues), dtype=float), answer) <= 0.35, name


def test_two_cues_are_not_enough(puzzles):
    """B and C together, or the third cue taken for the first, say more than one cue, and far from all."""
    options, (a, b, c), answer = puzzles[0], np.moveaxis(puzzles[1], 1, 0), puzzles[2]
    assert success(alike(options, b) + alike(options, c), answer) < 0.5
    for property_ in range(3):  # who takes it for granted that this property changes
        assumed = c.copy()
        assumed[:, property_] = b[:, property_]
        assert success(alike(options, assumed), answer) < 0.6, PROPERTIES[property_]
    assert success(alike(options, b) + alike(options, c) - alike(options, a), answer) == 1.0  # and this is the analogy


@pytest.mark.parametrize("things", THINGS)
def test_things_that_are_held_out_are_held_out_of_options_and_cues(things):
    _, _, options, cues = drawn(200, things=things)
    if things == "any":
        return
    part, _, which = things.partition("-")
    shown = np.concatenate([options, cues], axis=1).reshape(-1, len(FACTORS))
    held_out = HELD_OUT[which].contains(dict(zip(FACTORS, shown.T, strict=True)))
    assert held_out.all() if part == "unseen" else not held_out.any()


@pytest.mark.parametrize("camera", ["fixed", "low", "ring"])
def test_cues_stand_in_order_in_sight_and_out_of_reach(camera):
    env = gym.make_vec("ObjRep/Analogy-v0", num_envs=50, camera=camera, info=("factors", "mask"))
    _, infos = env.reset(seed=0)
    made, factors, about = env.unwrapped.game, infos["factors"], env.unwrapped.about
    rows = [about.entities.index(f"cue_{name}") for name in "abc"]
    cues = factors[:, rows]
    x, y, half_x, half_y = made.world.variant.arena
    nearest = np.clip(cues[..., PLACE], (x - half_x, y - half_y), (x + half_x, y + half_y))
    radii = made.task.all.radii(factors)[:, -1:] + made.task.cues.radii(factors)
    assert (np.linalg.norm(cues[..., PLACE] - nearest, axis=-1) > radii).all()
    assert (np.abs(cues[..., PLACE]) + made.task.cues.radii(factors)[..., None] < made.world.half_width).all()
    columns = np.arange(64)
    middles = [[columns[(mask == row).any(axis=0)].mean() for row in rows] for mask in infos["mask"]]
    assert (np.diff(middles, axis=1) > 0).mean() > 0.99
    pixels = np.stack([(infos["mask"] == row).sum(axis=(1, 2)) for row in rows], axis=1)
    assert (pixels >= 4).mean() > 0.99
    env.close()


def test_touching_the_answer_is_worth_one_and_anything_else_ends_with_nothing():
    flat = flat_game(distractors=4)
    task = TouchAnswer(flat.world.about, cues=("object_2", "object_3", "object_4"), larger=2.0)
    places = {"hand": (0, 0), "object_2": (-0.8, 0.8), "object_3": (0, 0.8), "object_4": (0.8, 0.8)}
    for near, worth in (("object_0", 1.0), ("object_1", 0.0)):
        far = "object_1" if near == "object_0" else "object_0"
        factors = scene(flat, **places, **{near: (0.1, 0), far: (0.8, -0.8)})
        hue, size = FLAT.index("hue"), FLAT.index("size")
        factors[0, 3:6, size] = 0.2
        factors[0, 1:6, hue] = [0.9, 0.1, 0.1, 0.9, 0.1]  # answer, C itself, A, B, C
        assert [values.tolist()[0] for values in task.judge(factors)] == [worth, bool(worth), True]
        assert task.goals(factors).tolist() == [[True, False]]


def test_analogies_have_four_options():
    with pytest.raises(ValueError, match="objects=5: an analogy has 4"):
        gym.make("ObjRep/Analogy-v0", objects=5)
