"""Slots and pixels side by side."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3 import PPO

from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.wrappers.align import VectorAlignSlots
from objrep_gym.wrappers.beside import SlotsBesidePixels, VectorSlotsBesidePixels
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.normalise import VectorNormaliseSlots
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, dictionary, of_bytes, pixels, state
from tests.wrappers.test_slots import compare, level_of, near


@pytest.mark.parametrize(
    "env", [pixels, lambda: of_bytes(1, 40, 60), lambda: state("rgb_array")], ids=["bytes", "grey", "rendered"]
)
def test_both_come_from_one_picture_that_is_encoded_once(env):
    model = Stripes()
    wrapped = SlotsBesidePixels(env(), model, size=(20, 24))
    seen, _ = wrapped.reset(seed=1)
    assert seen in wrapped.observation_space
    assert set(seen) == {"slots", "pixels"}
    assert level_of(seen["slots"]) == near(0.5)
    assert seen["pixels"].shape == (20, 24, 3)
    assert np.abs(seen["pixels"].astype(int) - 128).max() <= 1
    assert [len(batch) for batch in model.batches] == [1]


def test_slots_are_those_of_the_plain_wrapper_and_pixels_those_of_the_environment():
    both, slots, plain = (
        SlotsBesidePixels(gym.make("ObjRep/Reach-v0"), "colour", encoding={"masks": True}),
        SlotObservation(gym.make("ObjRep/Reach-v0"), "colour", masks=True),
        gym.make("ObjRep/Reach-v0"),
    )
    seen, info = both.reset(seed=4)
    alone, told = slots.reset(seed=4)
    np.testing.assert_array_equal(seen["slots"], alone)
    np.testing.assert_array_equal(seen["pixels"], plain.reset(seed=4)[0])
    np.testing.assert_array_equal(info["slots_mask"], told["slots_mask"])


def test_a_dict_keeps_its_pictures_beside_their_slots():
    env = SlotsBesidePixels(dictionary(), Stripes(), size=(16, 16), channels=1, encoding={"masks": True})
    seen, info = env.reset(seed=1)
    assert seen in env.observation_space
    assert set(seen) == {"state", "left", "right", "left_pixels", "right_pixels"}
    assert level_of(seen["right"]) == near(0.25)
    assert seen["right_pixels"].shape == (16, 16, 1)
    assert set(info["slots_mask"]) == {"left", "right"}
    rendered = SlotsBesidePixels(dictionary(image=False, render_mode="rgb_array"), Stripes())
    assert set(rendered.reset(seed=1)[0]) == {"state", "slots", "pixels"}


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_form_equals_single_wrappers(mode, make):
    model = Stripes()
    options = {"size": (16, 16), "encoding": {"masks": True}}
    theirs = SyncVectorEnv([lambda: SlotsBesidePixels(make(), model, **options)] * 3, autoreset_mode=mode)
    ours = VectorSlotsBesidePixels(SyncVectorEnv([make] * 3, autoreset_mode=mode), model, **options)
    assert ours.observation_space == theirs.observation_space
    assert ours.single_observation_space == theirs.single_observation_space
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    for _ in range(2 * LENGTH):
        found, expected = ours.step(np.zeros(3, int)), theirs.step(np.zeros(3, int))
        compare(found, expected)
        if mode is AutoresetMode.DISABLED and found[2].any():
            one, other = (env.reset(options={"reset_mask": found[2].copy()})[0] for env in (ours, theirs))
            compare(one, other)


def test_the_other_wrappers_find_the_slots_and_their_masks():
    env = VectorSlotsBesidePixels(gym.make_vec("ObjRep/Reach-v0", num_envs=2), "colour", encoding={"masks": True})
    stack = VectorNormaliseSlots(VectorAlignSlots(env))
    seen, infos = stack.reset(seed=0)
    assert seen in stack.observation_space
    assert stack.single_observation_space["slots"].high.max() == 5
    assert infos["slots_mask"].shape == (2, 7, 64, 64)
    seen, *_ = stack.step(np.zeros(2, int))
    assert seen["pixels"].dtype == np.uint8
    assert stack.env.change.held["slots"].masks is not None


@pytest.mark.parametrize("extractor", [None, DictExtractor], ids=["theirs", "ours"])
def test_ppo_makes_a_rollout_of_both(extractor):
    env = SB3VecEnv(VectorSlotsBesidePixels(gym.make_vec("ObjRep/Reach-v0", num_envs=2), Stripes(), size=(36, 36)))
    keywords = {} if extractor is None else {"features_extractor_class": extractor}
    model = PPO("MultiInputPolicy", env, n_steps=8, batch_size=8, n_epochs=1, device="cpu", policy_kwargs=keywords)
    before = [value.clone() for value in model.policy.features_extractor.parameters()]
    model.learn(16)
    assert model.num_timesteps == 16
    after = list(model.policy.features_extractor.parameters())
    assert after
    assert all(not one.equal(other) for one, other in zip(before, after, strict=True))
    env.close()


def test_a_spec_survives_json():
    env = SlotsBesidePixels(gym.make("ObjRep/Reach-v0"), "colour", size=(36, 36), encoding={"masks": True})
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    one, other = again.reset(seed=2), env.reset(seed=2)
    compare(one, other)
    assert isinstance(again.observation_space, spaces.Dict)


def test_a_size_that_is_none():
    with pytest.raises(ValueError, match="channels 1 or 3"):
        SlotsBesidePixels(pixels(), Stripes(), channels=2)


def test_an_encoder_can_be_shared():
    """One that learns is published once for all who see through it."""
    encoder = Encoder("colour")
    env = VectorSlotsBesidePixels(gym.make_vec("ObjRep/Reach-v0", num_envs=2), encoder)
    other = SlotObservation(gym.make("ObjRep/Reach-v0"), encoder)
    assert env.encoder is other.encoder is encoder
    seen, _ = env.reset(seed=0)
    again = env.again()
    assert np.array_equal(again["slots"], seen["slots"])
    assert np.array_equal(again["pixels"], seen["pixels"])
    env.close(), other.close()
