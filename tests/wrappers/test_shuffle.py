"""Slots in a new order at every step."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.wrappers.shuffle import ShuffleSlots, VectorShuffleSlots
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, dictionary, pixels
from tests.wrappers.test_align import Given
from tests.wrappers.test_slots import compare

K = 4
STEPS = [np.repeat(np.arange(K)[:, None], 2, axis=1) for _ in range(200)]  # slot k is (k, k)
MASKS = [np.repeat(np.arange(K)[:, None, None], 4, axis=1).repeat(4, axis=2).astype(np.float32) for _ in range(200)]


def orders(seed: int | None) -> np.ndarray:
    env = ShuffleSlots(Given([STEPS], [MASKS]))
    found = [env.reset(seed=seed), *(env.step(0)[::4] for _ in range(150))]
    for slots, info in found:
        np.testing.assert_array_equal(info["slots_mask"][:, 0, 0], slots[:, 0])  # masks go along
    return np.array([slots[:, 0] for slots, _ in found], int)


def test_every_step_has_an_order_of_its_own_and_all_are_drawn():
    found = orders(3)
    assert (np.sort(found, axis=1) == np.arange(K)).all()
    assert len({tuple(order) for order in found.tolist()}) == 24
    np.testing.assert_allclose([(found == k).mean(0) for k in range(K)], 0.25, atol=0.12)


def test_the_seed_of_a_reset_gives_the_orders():
    np.testing.assert_array_equal(orders(3), orders(3))
    assert not np.array_equal(orders(3), orders(4))
    assert not np.array_equal(orders(None), orders(None))


def test_the_environment_plays_as_it_did():
    """Orders come from a generator of their own."""
    plain, shuffled = (
        gym.make("ObjRep/Reach-v0", encoder="oracle"),
        ShuffleSlots(gym.make("ObjRep/Reach-v0", encoder="oracle")),
    )
    for seed in (1, None, None):
        one, other = plain.reset(seed=seed)[0], shuffled.reset(seed=seed)[0]
        assert sorted(one.tolist()) == sorted(other.tolist())
        one, other = plain.step(2), shuffled.step(2)
        assert sorted(one[0].tolist()) == sorted(other[0].tolist())
        assert one[1:4] == other[1:4]


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_form_equals_single_wrappers(mode, make):
    model = Stripes(scale=1.0)
    theirs = SyncVectorEnv([lambda: ShuffleSlots(SlotObservation(make(), model, masks=True))] * 3, autoreset_mode=mode)
    ours = VectorShuffleSlots(VectorSlotObservation(SyncVectorEnv([make] * 3, autoreset_mode=mode), model, masks=True))
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    for _ in range(3 * LENGTH):
        found, expected = ours.step(np.zeros(3, int)), theirs.step(np.zeros(3, int))
        compare(found, expected)
        if mode is AutoresetMode.DISABLED and found[2].any():
            mask = np.array([True, False, True])
            one, other = (env.reset(options={"reset_mask": mask.copy()})[0] for env in (ours, theirs))
            compare(one, other)
            one, other = (env.reset(options={"reset_mask": ~mask})[0] for env in (ours, theirs))
            compare(one, other)


def test_rows_have_orders_of_their_own_and_keep_theirs_when_another_is_reset():
    env = VectorShuffleSlots(SyncVectorEnv([lambda: Given([STEPS], [MASKS])] * 6, autoreset_mode=AutoresetMode.DISABLED))
    before, _ = env.reset(seed=[5, 6, 7, None, 9, 10])
    assert len({tuple(row) for row in before[:, :, 0].tolist()}) > 1
    mask = np.array([True, False, False, False, False, True])
    after, infos = env.reset(options={"reset_mask": mask})
    np.testing.assert_array_equal(after[1:5], before[1:5])
    np.testing.assert_array_equal(infos["slots_mask"][[0, 5]][:, :, 0, 0], after[[0, 5]][:, :, 0])


def test_a_spec_survives_json():
    env = ShuffleSlots(SlotObservation(gym.make("ObjRep/Reach-v0"), "colour"))
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])
