"""Versions of an encoder, shared by wrappers that encode their last pictures again."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorObservationWrapper

from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.pixels import VectorPixelObservation
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import Stripes, dictionary, pixels

WEIGHTS = {"weight": torch.tensor(0.5)}


def vector(make=pixels, mode=AutoresetMode.SAME_STEP) -> SyncVectorEnv:
    return SyncVectorEnv([make] * 2, autoreset_mode=mode)


def test_a_version_is_published_to_all_who_share_an_encoder():
    encoder = Encoder(Stripes())
    one, other = VectorSlotObservation(vector(), encoder), SlotObservation(pixels(), encoder)
    before, alone = one.reset(seed=1)[0], other.reset(seed=1)[0]
    assert encoder.version == 0
    assert encoder.publish(WEIGHTS) == encoder.version == 1
    np.testing.assert_allclose(one.reset(seed=1)[0], before / 2)
    np.testing.assert_allclose(other.reset(seed=1)[0], alone / 2)
    assert encoder.publish(WEIGHTS) == 2
    assert encoder.publish(WEIGHTS, version=9) == encoder.version == 9


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_again_is_what_a_fresh_encoder_sees(mode, make):
    """After a reset and after every step, those that end episodes too: the present pictures, none of the last ones."""
    env = VectorSlotObservation(vector(make, mode), Encoder(Stripes()))
    fresh = VectorSlotObservation(vector(make, mode), Encoder(Stripes()))
    env.encoder.publish(WEIGHTS)
    with pytest.raises(ResetNeeded, match="reset"):
        env.again()
    for t in range(7):
        env.encoder.publish({"weight": torch.ones(())})
        found, expected = (e.step(np.zeros(2, int))[::2] if t else (e.reset(seed=3)[0], None) for e in (env, fresh))
        same(found[0], expected[0])
        same(env.again(), found[0])  # nothing moves
        env.encoder.publish(WEIGHTS)
        same(env.again(), expected[0], 0.5)
        if mode is AutoresetMode.DISABLED and t in (3, 6):
            for e in (env, fresh):
                e.reset(options={"reset_mask": np.ones(2, bool)})


def same(found, expected, factor: float = 1.0) -> None:
    """Slots are `factor` times what is expected; what is no picture is as it was."""
    if not isinstance(expected, dict):
        found, expected = {"": found}, {"": expected}
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key], value * (1.0 if key == "state" else factor), atol=1e-6)


def test_again_goes_through_stable_baselines_adapter():
    env = SB3VecEnv(VectorSlotObservation(vector(), Encoder(Stripes())))
    env.seed(1)
    before = env.reset()
    env.env.encoder.publish(WEIGHTS)
    np.testing.assert_allclose(env.again(), before / 2)
    np.testing.assert_array_equal(SB3VecEnv(env.env).again(), env.again())


class Doubled(VectorObservationWrapper):
    """A wrapper of another's that changes observations and cannot do so again."""

    def __init__(self, env):
        gym.vector.VectorWrapper.__init__(self, env)

    def observations(self, observations):
        return observations * 2


def test_a_wrapper_that_would_be_left_out_is_named():
    env = SB3VecEnv(Doubled(VectorSlotObservation(vector(), Encoder(Stripes()))))
    with pytest.raises(ValueError, match=r"Doubled.*has no again\(\)"):
        env.again()
    with pytest.raises(ValueError, match="wrap it in VectorSlotObservation"):
        SB3VecEnv(vector()).again()
    pictures = VectorPixelObservation(vector())
    shown, _ = pictures.reset(seed=1)
    np.testing.assert_array_equal(pictures.again(), shown)


@pytest.mark.parametrize(
    "tensors",
    [{}, {"weight": torch.ones(2)}, {**WEIGHTS, "more": torch.ones(())}],
    ids=["missing", "shape", "unknown"],
)
def test_weights_of_another_model_are_refused_and_nothing_changes(tensors):
    encoder = Encoder(Stripes())
    with pytest.raises(ValueError, match="do not fit encoder Stripes"):
        encoder.publish(tensors)
    assert encoder.version == 0
    assert encoder.load().weight == 1


def test_what_is_published_is_copied_and_stays_frozen():
    encoder, weight = Encoder(Stripes()), torch.tensor(0.5)
    encoder.publish({"weight": weight})
    weight.fill_(3)
    assert encoder.load().weight == 0.5
    assert not encoder.load().training
    assert not encoder.load().weight.requires_grad


def test_a_shared_encoder_comes_without_keywords():
    encoder = Encoder("colour", masks=True)
    env = SlotObservation(pixels(), encoder)
    assert "slots_mask" in env.reset(seed=1)[1]
    with pytest.raises(ValueError, match="slots=7, precision='bf16' beside an Encoder"):
        VectorSlotObservation(vector(), encoder, slots=7, precision="bf16")


def test_a_pickled_encoder_brings_what_was_published():
    """By reference, and then what came after it; a copy of the copy too, loaded or not."""
    picture = np.full((1, 64, 64, 3), 90, np.uint8)
    encoder = Encoder("monet-lite@objects-room")
    (first,), _ = encoder([picture])
    assert len(pickle.dumps(encoder)) < 10_000
    encoder.publish({name: value * 0.9 for name, value in encoder.load().state_dict().items()})
    (second,), _ = encoder([picture])
    assert not np.allclose(first, second)
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(encoder))))
    np.testing.assert_array_equal(copy([picture])[0][0], second)
    assert copy.version == 1
    plain = pickle.loads(pickle.dumps(Encoder(Stripes())))
    assert plain.publish(WEIGHTS) == 1
    assert pickle.loads(pickle.dumps(plain)).load().weight == 0.5
