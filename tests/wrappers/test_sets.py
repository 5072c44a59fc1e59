"""Where slots stand, and the bases of wrappers that change them."""

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper
from gymnasium.wrappers import Autoreset

from objrep_gym.wrappers.align import VectorAlignSlots
from objrep_gym.wrappers.normalise import NormaliseSlots, VectorNormaliseSlots
from objrep_gym.wrappers.sets import Change, Changed, Places, Sets, SlotWrapper, VectorSlotWrapper, last_rows, seeds_of
from objrep_gym.wrappers.shuffle import ShuffleSlots, VectorShuffleSlots
from objrep_gym.wrappers.slots import VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, dictionary, pixels
from tests.wrappers.test_align import EPISODES, Given


class Counted(Change):
    """Adds how many observations of its episode a row has shown, and writes down what it is told."""

    def __init__(self, count: int):
        self.age, self.heard = np.zeros(count, int), []

    def seed(self, seeds, rows):
        self.heard.append([seeds[i] for i in rows])

    def begin(self, rows):
        self.age[rows] = 0

    def see(self, every):
        self.heard.append([sets.rows.tolist() for sets in every])

    def __call__(self, sets: Sets) -> Changed:
        self.age[sets.rows] += 1
        return Changed({key: 0 * slots + self.age[sets.rows, None, None] for key, slots in sets.slots.items()})


def ages(slots: np.ndarray) -> list[int]:
    return slots[:, 0, 0].astype(int).tolist()


def test_a_change_is_told_of_every_row_once_and_in_order():
    change = Counted(2)
    env = VectorSlotWrapper(SyncVectorEnv([lambda: Given(EPISODES)] * 2, autoreset_mode=AutoresetMode.SAME_STEP), change)
    assert ages(env.reset(seed=[4, None])[0]) == [1, 1]
    env.env.envs[1].at = 1
    slots, *_, infos = env.step(np.zeros(2, int))
    assert ages(slots) == [2, 1]
    assert infos["final_obs"][1][0, 0] == 2
    assert change.heard == [[4, None], [[0, 1]], [[1], [0, 1]]]  # last observations first, all before any is changed


class Unmarked(VectorWrapper):
    """`final_obs` as one array of all rows, and nothing that says which of them ended, as ale_py's vector environment."""

    def step(self, actions):
        *told, infos = self.env.step(actions)
        if infos.pop("_final_obs", None) is not None:
            infos["final_obs"] = np.stack([np.zeros((3, 2), np.float32) if o is None else o for o in infos["final_obs"]])
        return *told, infos


def test_last_observations_that_nothing_marks_are_changed_where_an_episode_ended():
    below = SyncVectorEnv([lambda: Given(EPISODES)] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    env = VectorSlotWrapper(Unmarked(below), Counted(2))
    env.reset(seed=0)
    below.envs[1].at = 1
    slots, *_, infos = env.step(np.zeros(2, int))
    assert ages(slots) == [2, 1]
    assert infos["final_obs"][1, 0, 0] == 2
    assert last_rows({"final_obs": 0}, np.array([False, True])).tolist() == [1]
    assert last_rows({}, np.array([False, True])).tolist() == []


def test_an_episode_that_a_wrapper_below_begins_is_a_new_one():
    env = SlotWrapper(Autoreset(Given(EPISODES)), Counted(1))
    env.reset(seed=0)
    shown = [int(env.step(0)[0][0, 0]) for _ in range(4)]
    assert shown == [2, 3, 1, 2]


@pytest.mark.parametrize("wrapper", [VectorAlignSlots, VectorNormaliseSlots, VectorShuffleSlots])
def test_nobody_reads_what_a_caller_wrote_into(wrapper):
    """Observations and masks are the caller's: a buffer may normalise them in place."""

    def play(spoil: bool):
        vector = SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.DISABLED)
        env = wrapper(VectorSlotObservation(vector, Stripes(), masks=True))
        found = [env.reset(seed=0)]
        mask = np.array([True, False])
        for act in (*[lambda: env.step(np.zeros(2, int))] * LENGTH, lambda: env.reset(options={"reset_mask": mask.copy()})):
            kept = [found[-1][0].copy(), found[-1][-1]["slots_mask"].copy()]
            if spoil:
                found[-1][0][:], found[-1][-1]["slots_mask"][:] = 77, 77
            found.append(act())
            yield kept

    for plain, spoilt in zip(play(False), play(True), strict=True):
        for one, other in zip(plain, spoilt, strict=True):
            np.testing.assert_array_equal(one, other)


def test_wrappers_stack_on_a_dict_with_two_pictures():
    vector = SyncVectorEnv([dictionary] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    slots = VectorSlotObservation(vector, Stripes(), masks=True)
    env = VectorShuffleSlots(VectorNormaliseSlots(VectorAlignSlots(slots)))
    observations, infos = env.reset(seed=0)
    assert observations in env.observation_space
    assert set(infos["slots_mask"]) == {"left", "right", "_left", "_right"}
    for _ in range(LENGTH):
        observations, *_, infos = env.step(np.zeros(2, int))
        assert observations in env.observation_space
    assert all(last in env.single_observation_space for last in infos["final_obs"])
    for key in ("left", "right"):
        np.testing.assert_allclose(infos["final_info"]["slots_mask"][key].sum(1), 1)
    np.testing.assert_allclose([last["state"][0] for last in infos["final_obs"]], [0.3, 0.8], rtol=1e-6)  # left as it is


def test_masks_of_nobody_knows_whom_are_left_alone():
    parts = spaces.Dict({"a": spaces.Box(-1, 1, (3, 2), np.float32), "b": spaces.Box(-1, 1, (4, 2), np.float32)})
    masks = np.zeros((1, 3, 8, 8), np.float32)
    assert Places(parts).masks({"slots_mask": masks}) == {}
    assert [*Places(parts, keys=("a",)).masks({"slots_mask": masks})] == ["a"]
    assert [*Places(parts).masks({"slots_mask": {"b": masks, "_b": masks}})] == ["b"]


def test_seeds_are_counted_up_like_gymnasium_counts_them():
    assert seeds_of(None, 2) == [None, None]
    assert seeds_of(5, 3) == [5, 6, 7]
    assert seeds_of([3, None], 2) == [3, None]


def test_a_change_that_does_nothing_is_no_change():
    with pytest.raises(NotImplementedError, match="Change does not write"):
        SlotWrapper(Given(EPISODES), Change()).reset()


def test_single_wrappers_stack_too():
    env = ShuffleSlots(NormaliseSlots(Given(EPISODES)))
    slots, _ = env.reset(seed=1)
    assert slots in env.observation_space
