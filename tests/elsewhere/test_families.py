"""What holds of every family: slots where they are to be, of the picture that is there, and the rest as it was."""

import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env as check_for_sb3

from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.elsewhere.families import FAMILIES, LENGTH, every_family, of_many, same

pytestmark = pytest.mark.elsewhere
SLOTS = (7, 8)
STEPS = 2 * LENGTH + 1


def picture_of(family, env, observation) -> np.ndarray:
    """uint8 (1, H, W, C): what the slots are to be of, found without the wrapper."""
    if family.picture == "rendered":
        return env.render()[None]
    picture = observation[family.slots_in] if family.slots_in else observation
    assert picture.shape == family.shape
    assert picture.dtype == np.uint8
    return (picture[..., None] if picture.ndim == 2 else picture)[None]


@every_family
def test_slots_are_of_the_picture_and_the_rest_is_as_it_was(family):
    """Beside an environment of the same seed that is not wrapped, whose picture is encoded by hand."""
    plain, wrapped, encoder = family.short(), SlotObservation(family.short(), "colour"), Encoder("colour")
    plain.action_space.seed(0)
    ours, theirs = wrapped.reset(seed=5)[0], plain.reset(seed=5)[0]
    for _ in range(LENGTH):
        assert ours in wrapped.observation_space
        slots = ours[family.slots_in] if family.slots_in else ours
        expected = encoder([picture_of(family, plain, theirs)])[0][0][0]
        assert slots.shape == SLOTS
        assert slots.dtype == np.float32
        np.testing.assert_array_equal(slots, expected)
        assert slots.any()
        if family.slots_in:
            assert set(ours) == {family.slots_in, *family.kept}
            same({name: ours[name] for name in family.kept}, {name: theirs[name] for name in family.kept})
        action = plain.action_space.sample()
        (ours, *told, _), (theirs, *expected_told, _) = wrapped.step(action), plain.step(action)
        same(tuple(told), tuple(expected_told))
    for env in (wrapped, plain, wrapped, plain):  # twice
        env.close()


@every_family
@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda mode: mode.name)
def test_many_are_as_one_in_every_autoreset_mode(family, mode):
    """Last observations, infos and masks included; episodes end within the steps that are taken."""
    make = family.pictured if mode is AutoresetMode.SAME_STEP else family.short
    theirs = of_many(lambda: SlotObservation(make(), "colour", masks=True), mode)
    ours = VectorSlotObservation(of_many(make, mode), "colour", masks=True)
    assert ours.observation_space == theirs.observation_space
    ours.action_space.seed(0)
    same(ours.reset(seed=0), theirs.reset(seed=0))
    finals = 0
    for _ in range(STEPS):
        actions = ours.action_space.sample()
        found, expected = ours.step(actions), theirs.step(actions)
        same(found, expected)
        assert found[0] in ours.observation_space
        finals += "final_obs" in found[4]
        ended = found[2] | found[3]
        if mode is AutoresetMode.DISABLED and ended.any():
            same(*(env.reset(options={"reset_mask": ended.copy()}) for env in (ours, theirs)))
    assert bool(finals) == (mode is AutoresetMode.SAME_STEP)
    for env in (ours, theirs, ours):
        env.close()


@every_family
def test_what_only_renders_says_what_resets_in_the_same_step_need(family):
    if family.picture == "observed":
        assert VectorSlotObservation(of_many(family.short, AutoresetMode.SAME_STEP), "colour").num_envs == 2
        return
    with pytest.raises(ValueError, match=r"use NEXT_STEP, or .*AddRenderObservation"):
        VectorSlotObservation(of_many(family.short, AutoresetMode.SAME_STEP), "colour")


@every_family
def test_checkers_of_others_find_nothing(family):
    """gymnasium's, and stable-baselines3's where it knows the spaces; both warn of what the environment itself is like."""
    env = SlotObservation(family.foreign.make(), "colour")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        check_env(env, skip_render_check=True, skip_close_check=not family.recorded)  # which makes it from its spec
        if "mission" in family.kept:
            with pytest.raises(AssertionError, match="mission"):  # a space of text
                check_for_sb3(env)
        else:
            check_for_sb3(env)
    env.close()


@every_family
def test_specs_and_pickles_carry_the_wrapper(family):
    env = SlotObservation(family.foreign.make(), "colour", slots=7)
    assert env.spec is not None
    again = [pickle.loads(pickle.dumps(env))]
    if family.recorded:
        again.append(gym.make(EnvSpec.from_json(env.spec.to_json())))
    else:
        with pytest.raises(ValueError, match="cannot be recreated"):
            gym.make(env.spec)
    first, _ = env.reset(seed=3)
    for other in again:
        assert isinstance(other, SlotObservation)
        same(other.reset(seed=3)[0], first)
        other.close()
    env.close()


@every_family
def test_an_agent_learns_from_one_rollout(family):
    if family.slots_in:
        pytest.skip("stable-baselines3 has no space for Minigrid's mission: its pictures alone are another family")
    env = SB3VecEnv(VectorSlotObservation(of_many(family.pictured, AutoresetMode.SAME_STEP), "colour"))
    policy = {"features_extractor_class": EXTRACTORS["deep-set"]}
    agent = PPO("MlpPolicy", env, n_steps=4, batch_size=4, n_epochs=1, policy_kwargs=policy, seed=0)
    before = [weight.detach().clone() for weight in agent.policy.parameters()]
    agent.learn(8)
    assert agent.num_timesteps == 8
    assert agent.rollout_buffer.observations.shape == (8, *SLOTS)
    assert any((weight != old).any() for weight, old in zip(agent.policy.parameters(), before, strict=True))
    env.close()


def test_every_family_has_a_member():
    """What the issue names: MuJoCo's, both of Box2D's, Minigrid, Miniworld, Atari, classic control."""
    needs = {family.foreign.needs for family in FAMILIES.values()}
    assert needs == {"mujoco", "Box2D", "pygame", "minigrid", "miniworld", "ale_py"}
