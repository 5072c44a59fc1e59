"""Slots keep their place from frame to frame."""

import itertools
from functools import cache

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.wrappers.align import Alignment, AlignSlots, VectorAlignSlots, assign, overlap, thinned
from objrep_gym.wrappers.overlay import SlotOverlay
from objrep_gym.wrappers.sets import Sets
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.film import FRAMES, Film, followed, passing, switches
from tests.wrappers.test_slots import compare

SCENES = 4
ENCODERS = ("colour", "monet-lite@objects-room")


@cache
def seen(encoder: str, hidden: tuple[int, int] = (0, 0)):
    """What an encoder makes of `passing` scenes, as it gives it: slots (T, N, K, D) and masks (T, N, K, H, W); and the true
    masks of both objects, bool (T, N, 2, H, W)."""
    films = [passing(seed, hidden) for seed in range(SCENES)]
    vector = SyncVectorEnv([lambda film=film: Film(film[0], mask=film[1]) for film in films])
    env = VectorSlotObservation(vector, encoder, masks=True)
    found = [(slots, infos["slots_mask"], infos["mask"]) for slots, infos in played(env)]
    slots, masks, ids = (np.stack(each) for each in zip(*found, strict=True))
    return slots, masks, np.stack([ids == 6, ids == 7], axis=2)


def played(env, frames: int = FRAMES):
    yield env.reset(seed=0)
    for _ in range(frames - 1):
        observations, *_, infos = env.step(np.zeros(env.num_envs, int))
        yield observations, infos


def places(alignment: Alignment | None, encoder: str, hidden: tuple[int, int] = (0, 0), masked: bool = True) -> np.ndarray:
    """Where both objects are, int (T, N, 2), aligned or as the encoder gives them."""
    slots, masks, true = seen(encoder, hidden)
    every, rows = [], np.arange(SCENES)
    for latents, mask, ids in zip(slots, masks, true, strict=True):
        if alignment is not None:
            order = alignment(Sets(rows, {"": latents}, {"": mask} if masked else {})).orders[""]
            mask = mask[rows[:, None], order]
        every.append([followed(*each) for each in zip(mask, ids, strict=True)])
    return np.array(every)


def switched(found: np.ndarray) -> int:
    return sum(switches(found[:, row, one]) for row in range(SCENES) for one in (0, 1))


@pytest.mark.parametrize("encoder", ENCODERS)
def test_no_object_changes_its_place_where_two_like_ones_pass_each_other(encoder):
    plain, aligned = places(None, encoder), places(Alignment(SCENES), encoder)
    assert (aligned >= 0).all(), "both objects are seen all the time"
    assert (aligned[..., 0] != aligned[..., 1]).all(), "and have a place each"
    assert switched(plain) >= 4, "without the wrapper they change places: else this would show nothing"
    assert switched(aligned) == 0


def test_the_wrapper_does_what_was_shown_and_moves_the_masks_along():
    """The wrapper itself, on one scene, beside what is known of its slots."""
    film, expected = passing(1), places(Alignment(SCENES), "colour")[:, 1]
    env = AlignSlots(SlotObservation(Film(film[0], mask=film[1]), "colour", masks=True))
    slots, info = env.reset(seed=0)
    colour, extent = [], []
    for t in range(FRAMES):
        if t:
            slots, *_, info = env.step(0)
        assert slots in env.observation_space
        ids = np.stack([info["mask"] == 6, info["mask"] == 7])
        assert followed(info["slots_mask"], ids) == expected[t].tolist()
        colour.append(slots[expected[t], :3])
        extent.append(info["slots_mask"][expected[t]].mean((1, 2)))
        np.testing.assert_allclose(slots[:, 7], info["slots_mask"].mean((1, 2)), atol=1e-6)  # each with its own mask
    colour = np.array(colour)
    away = np.abs(np.diff(colour, axis=0)).max()
    assert away < np.abs(colour[0, 0] - colour[0, 1]).max(), "a place keeps the colour of its object"
    assert np.min(extent) > 0


@pytest.mark.parametrize("masked", [True, False], ids=["masks", "latents"])
def test_a_thing_that_comes_back_finds_its_place(masked):
    """Hidden for six frames, in which it moves on; without a memory half of them come back to another place."""
    hidden = (11, 17)
    for encoder in ENCODERS:
        found = places(Alignment(SCENES), encoder, hidden, masked)
        assert (found[hidden[0] : hidden[1], :, 0] == -1).all()
        returned = found[hidden[0] - 1, :, 0] == found[hidden[1] + 3, :, 0]
        assert returned.sum() >= SCENES - 1, (encoder, returned)


def box(k: int = 3, d: int = 2) -> spaces.Box:
    return spaces.Box(-10, 10, (k, d), np.float32)


class Given(gym.Env):
    """Shows the slots that it was given, episode after episode."""

    def __init__(self, episodes, masks=None, space=None):
        self.episodes, self.masks = episodes, masks
        self.observation_space, self.action_space = space or box(*np.shape(episodes[0][0])), spaces.Discrete(2)
        self.episode, self.at = -1, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.at = (self.episode + 1) % len(self.episodes), 0
        return self.look()

    def step(self, action):
        self.at += 1
        observation, info = self.look()
        return observation, 1.0, self.at == len(self.episodes[self.episode]) - 1, False, info

    def look(self):
        slots = np.asarray(self.episodes[self.episode][self.at], np.float32)
        info = {} if self.masks is None else {"slots_mask": self.masks[self.episode][self.at]}
        return (
            {"scene": slots, "goal": slots[::-1].copy()} if isinstance(self.observation_space, spaces.Dict) else slots
        ), info


A, B, C = (0.0, 0.0), (5.0, 0.0), (0.0, 5.0)
EPISODES = [[(A, B, C), (C, A, B), (B, C, A)], [(B, A, C), (A, C, B), (C, B, A)]]
FIRST, SECOND = [A, B, C], [B, A, C]  # every episode keeps the order that it begins with


def vector(mode, **options):
    return SyncVectorEnv([lambda: Given(EPISODES, **options)] * 2, autoreset_mode=mode)


def test_same_step_aligns_the_last_observation_with_the_old_episode_and_begins_anew():
    env = VectorAlignSlots(vector(AutoresetMode.SAME_STEP))
    assert env.reset(seed=0)[0].tolist() == [[*map(list, FIRST)]] * 2
    env.env.envs[1].at = 1  # its episode is one step shorter
    slots, _, ended, _, infos = env.step(np.zeros(2, int))
    assert ended.tolist() == [False, True]
    assert infos["final_obs"][0] is None
    assert infos["final_obs"][1].tolist() == [*map(list, FIRST)]
    assert slots.tolist() == [[*map(list, FIRST)], [*map(list, SECOND)]]
    slots, _, ended, _, infos = env.step(np.zeros(2, int))
    assert ended.tolist() == [True, False]
    assert infos["final_obs"][0].tolist() == [*map(list, FIRST)]
    assert slots.tolist() == [[*map(list, SECOND)]] * 2


def test_next_step_begins_a_row_anew_one_step_later():
    env = VectorAlignSlots(vector(AutoresetMode.NEXT_STEP))
    env.reset(seed=0)
    env.env.envs[1].at = 1
    shown = [env.step(np.zeros(2, int))[0].tolist() for _ in range(4)]
    first, second = [*map(list, FIRST)], [*map(list, SECOND)]
    assert [rows[0] for rows in shown] == [first, first, second, second]
    assert [rows[1] for rows in shown] == [first, second, second, second]


def test_disabled_begins_the_rows_of_the_mask_and_leaves_the_others():
    env = VectorAlignSlots(vector(AutoresetMode.DISABLED))
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    _, _, ended, *_ = env.step(np.zeros(2, int))
    assert ended.all()
    first, second = [*map(list, FIRST)], [*map(list, SECOND)]
    slots, _ = env.reset(options={"reset_mask": np.array([False, True])})
    assert slots.tolist() == [first, second]
    slots, _ = env.reset(options={"reset_mask": np.array([True, False])})
    assert slots.tolist() == [second, second]
    assert env.step(np.zeros(2, int))[0].tolist() == [second, second]


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("nested", [False, True], ids=["box", "dict"])
def test_the_vector_form_equals_single_wrappers(mode, nested):
    generator = np.random.default_rng(0)
    episodes = [generator.normal(size=(4, 3, 2)) for _ in range(3)]
    masks = [generator.random((4, 3, 8, 8)).astype(np.float32) for _ in range(3)]
    space = spaces.Dict({"scene": box(), "goal": box()}) if nested else None
    told = None if nested else masks
    theirs = SyncVectorEnv([lambda: AlignSlots(Given(episodes, told, space))] * 3, autoreset_mode=mode)
    ours = VectorAlignSlots(SyncVectorEnv([lambda: Given(episodes, told, space)] * 3, autoreset_mode=mode))
    assert ours.observation_space == theirs.observation_space
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    for _ in range(12):
        found, expected = ours.step(np.zeros(3, int)), theirs.step(np.zeros(3, int))
        compare(found, expected)
        if mode is AutoresetMode.DISABLED and found[2].any():
            one, other = (env.reset(options={"reset_mask": found[2].copy()})[0] for env in (ours, theirs))
            compare(one, other)


def test_slots_of_a_dict_are_aligned_key_by_key():
    space = spaces.Dict({"scene": box(), "goal": box()})
    env = AlignSlots(Given(EPISODES, space=space))
    env.reset()
    shown, *_ = env.step(0)
    assert shown["scene"].tolist() == [*map(list, FIRST)]
    assert shown["goal"].tolist() == [*map(list, FIRST[::-1])]
    only = AlignSlots(Given(EPISODES, space=space), keys=("scene",))
    only.reset()
    shown, *_ = only.step(0)
    assert shown["scene"].tolist() == [*map(list, FIRST)]
    assert shown["goal"].tolist() == [list(each) for each in EPISODES[0][1][::-1]]


def test_the_assignment_is_the_best_of_all():
    generator = np.random.default_rng(0)
    for k in (1, 2, 5):
        cost = generator.random((20, k, k)).round(1)  # many ties
        order = assign(cost)
        every = [cost[:, range(k), list(one)].sum(1) for one in itertools.permutations(range(k))]
        np.testing.assert_allclose(np.take_along_axis(cost, order[..., None], 2).sum((1, 2)), np.min(every, axis=0))
        assert (np.sort(order, axis=1) == np.arange(k)).all()


def test_one_thing_that_leaps_does_not_move_the_others_along():
    """With squared distances every place would rather move on by one step: 3 · 1² against 3²."""
    before = np.array([[[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]]])
    after = np.array([[[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]])
    alignment = Alignment(1)
    alignment(Sets(np.arange(1), {"": before}))
    assert alignment(Sets(np.arange(1), {"": after})).orders[""].tolist() == [[2, 0, 1]]


def test_masks_tell_like_slots_apart():
    """Latents say nothing here, and where masks are left out the order is the encoder's."""
    alike = np.zeros((1, 2, 3), np.float32)
    masks = np.zeros((2, 1, 2, 8, 8), np.float32)
    masks[0, 0, 0, :, :4] = masks[0, 0, 1, :, 4:] = 1
    masks[1, 0, 1, :, :5] = masks[1, 0, 0, :, 5:] = 1
    for weight, order in ((1.0, [1, 0]), (0.0, [0, 1])):
        alignment = Alignment(1, weight)
        alignment(Sets(np.arange(1), {"": alike}, {"": masks[0]}))
        assert alignment(Sets(np.arange(1), {"": alike}, {"": masks[1]})).orders[""].tolist() == [order]


def test_overlap_is_intersection_over_union():
    generator = np.random.default_rng(0)
    one, other = (generator.random((2, 3, 50)) < 0.4 for _ in range(2))
    one[0, 0] = other[0, 0] = False
    expected = [
        [[(a & b).sum() / (a | b).sum() if (a | b).any() else 1.0 for b in other[n]] for a in one[n]] for n in range(2)
    ]
    np.testing.assert_allclose(overlap(one.astype(np.float32), other.astype(np.float32)), expected, atol=1e-6)


def test_masks_of_any_size_are_thinned():
    assert thinned(np.zeros((1, 2, 64, 64))).shape == (1, 2, 1024)
    assert thinned(np.zeros((1, 2, 16, 16))).shape == (1, 2, 256)
    assert thinned(np.zeros((1, 2, 300, 200))).shape[2] <= 1024


def test_the_unit_of_a_dimension_does_not_matter():
    generator = np.random.default_rng(0)
    slots, noise = generator.normal(size=(1, 6, 4)), generator.normal(size=(1, 6, 4)) * 0.2
    later = (slots + noise)[:, generator.permutation(6)]
    orders = []
    for unit in (1.0, np.array([1e-3, 1.0, 50.0, 7.0])):
        alignment = Alignment(1)
        alignment(Sets(np.arange(1), {"": slots * unit}))
        orders.append(alignment(Sets(np.arange(1), {"": later * unit})).orders[""].tolist())
    assert orders[0] == orders[1]


def test_what_vanished_is_remembered_for_so_many_steps():
    """A thing gives way to an empty slot, and comes back while another slot is empty too."""
    thing, other, empty = [5.0, 5.0], [-5.0, 5.0], [0.0, 0.0]
    there, gone, back = [thing, other, empty], [empty, other, empty], [empty, other, thing]
    for memory, place in ((10, 0), (2, 2)):
        alignment = Alignment(1, memory=memory)
        for slots in (there, gone, gone, gone):
            alignment(Sets(np.arange(1), {"": np.array([slots])}))
        returned = alignment(Sets(np.arange(1), {"": np.array([back])})).slots[""][0].tolist()
        assert returned.index(thing) == place, f"memory {memory}"
        assert returned.index(other) == 1


def test_a_spec_survives_json():
    env = AlignSlots(SlotObservation(gym.make("ObjRep/Reach-v0"), "colour", masks=True), masks=0.5, memory=3)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, AlignSlots)
    assert (again.change.weight, again.change.memory) == (0.5, 3)
    np.testing.assert_array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])


def test_an_encoder_that_changed_is_asked_again_and_its_order_is_new():
    env = VectorAlignSlots(vector(AutoresetMode.SAME_STEP))
    env.reset(seed=0)
    env.step(np.zeros(2, int))
    with pytest.raises(ValueError, match="VectorSlotObservation"):
        env.again()
    env.env.again = lambda: np.array([[C, A, B]] * 2, np.float32)
    assert env.again().tolist() == [[*map(list, (C, A, B))]] * 2
    assert env.step(np.zeros(2, int))[4]["final_obs"][0].tolist() == [*map(list, (C, A, B))]


def test_a_row_that_ended_begins_anew_after_its_last_picture_was_encoded_again():
    env = VectorAlignSlots(vector(AutoresetMode.NEXT_STEP))
    env.reset(seed=0)
    env.env.envs[1].at = 1
    slots, _, ended, *_ = env.step(np.zeros(2, int))
    assert ended.tolist() == [False, True]
    env.env.again = lambda: slots.copy()
    env.again()
    slots, *_ = env.step(np.zeros(2, int))
    assert slots.tolist() == [[*map(list, FIRST)], [*map(list, SECOND)]]


def test_colours_of_an_overlay_keep_to_objects():
    film = passing(0)
    env = SlotOverlay(
        AlignSlots(SlotObservation(drawn(Film(film[0], mask=film[1])), "colour", masks=True)), height=64, opacity=1.0
    )
    _, info = env.reset(seed=0)
    colours = []
    for t in range(FRAMES):
        if t:
            *_, info = env.step(0)
        frame, whole = env.render(), info["mask"] == 6
        values, count = np.unique(frame[whole], axis=0, return_counts=True)
        colours.append(values[count.argmax()].tolist())
    assert colours == colours[:1] * FRAMES


def drawn(film: Film) -> Film:
    """A film that renders what it shows."""
    film.render_mode = "rgb_array"
    film.render = lambda: film.pictures[film.at]
    return film


@pytest.mark.parametrize("options", [{"masks": -1.0}, {"memory": -1}], ids=str)
def test_what_is_below_zero(options):
    with pytest.raises(ValueError, match="0 or more"):
        AlignSlots(Given(EPISODES), **options)


@pytest.mark.parametrize(
    ("space", "keys"),
    [
        (spaces.Box(0, 255, (64, 64, 3), np.uint8), None),
        (spaces.Dict({"depth": spaces.Box(0, np.inf, (64, 64), np.float32)}), None),
        (spaces.Dict({"scene": box()}), ("scene", "goal")),
        (spaces.Discrete(3), None),
    ],
    ids=["picture", "depth", "keys", "number"],
)
def test_what_holds_no_slots(space, keys):
    with pytest.raises(ValueError, match="slots are a Box"):
        AlignSlots(Given(EPISODES, space=space), keys=keys)
