"""Masks of one model, described by another."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import SyncVectorEnv

from objrep_gym import weights
from objrep_gym.agents.online import OnlineConfig, OnlineEncoder
from objrep_gym.experiments.agent_run import AgentRun
from objrep_gym.models import MODELS
from objrep_gym.models.colour import LATENTS, ColourConfig
from objrep_gym.training import Stage
from objrep_gym.wrappers.encoder import Encoder, encoder_of
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, pixels
from tests.wrappers.test_slots import compare

COLOUR = MODELS["colour"]


def test_colour_described_by_itself_is_what_it_was():
    keywords = (None, {"described_by": "colour"})
    env, again = (gym.make("ObjRep/Reach-v0", encoder="colour", encoding=encoding) for encoding in keywords)
    np.testing.assert_allclose(again.reset(seed=3)[0], env.reset(seed=3)[0], atol=1e-6)
    assert again.observation_space == env.observation_space
    copied = gym.make(EnvSpec.from_json(again.spec.to_json()))
    np.testing.assert_array_equal(copied.reset(seed=3)[0], again.reset(seed=3)[0])


def test_a_slot_is_the_mean_colour_under_its_mask():
    """Against numpy, on soft masks of a model that was trained."""
    picture = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
    encoder = encoder_of("monet-lite@objects-room", masks=True, described_by="colour")
    (slots,), masks = encoder([picture])
    assert masks is not None
    weighted = np.einsum("nkhw,nhwc->nkc", masks[0], picture / 255)
    expected = weighted / np.maximum(masks[0].sum((2, 3)), 1)[..., None]
    np.testing.assert_allclose(slots[..., :3], expected, atol=1e-4)
    np.testing.assert_allclose(slots[..., LATENTS.index("area")], masks[0].mean((2, 3)), atol=1e-5)
    assert slots.shape == (2, weights.load("monet-lite@objects-room").slots, len(LATENTS))
    assert slots[0] in encoder.space


def test_a_describer_sees_at_its_own_size():
    """Halves of a picture whose colours are known, by a model of another size than the one that found them."""
    picture = np.zeros((1, 16, 16, 3), np.uint8)
    picture[..., 0], picture[:, :, 8:, 2] = 255, 255
    stripes = encoder_of(Stripes(), described_by=ColourConfig(size=(32, 32)).build())
    (slots,), _ = stripes([picture])
    assert stripes.space.shape == slots.shape[1:]
    columns = slots[0, :, LATENTS.index("x")]
    blue = slots[0, :, LATENTS.index("blue")]
    assert (np.sign(columns) == np.where(blue > 0.5, 1, -1))[np.abs(columns) > 0.2].all()
    np.testing.assert_allclose(slots[0, :, 0], 1, atol=1e-5)


def test_single_and_vector_agree():
    theirs = SyncVectorEnv([lambda: SlotObservation(pixels(), Stripes(), described_by="colour", places=True)] * 2)
    ours = VectorSlotObservation(SyncVectorEnv([pixels] * 2), Stripes(), described_by="colour", places=True)
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    assert ours.single_observation_space.shape[1] == len(LATENTS) + 5
    for _ in range(2 * LENGTH):
        compare(ours.step(np.zeros(2, int)), theirs.step(np.zeros(2, int)))


def test_what_cannot_be_described_is_named():
    with pytest.raises(ValueError, match=r"mvae@sprites' has no masks: leave described_by='colour' out"):
        encoder_of("mvae@sprites", described_by="colour")
    with pytest.raises(ValueError, match=r"described_by='mvae@sprites' takes no masks of others"):
        encoder_of("colour", described_by="mvae@sprites")
    with pytest.raises(ValueError, match=r"described_by='colour' beside an Encoder that is shared"):
        SlotObservation(pixels(), Encoder(Stripes()), described_by="colour")
    with pytest.raises(weights.WeightsError, match="'color'"):
        encoder_of("colour", described_by="color")


def test_a_pickled_encoder_is_still_described():
    encoder = encoder_of("colour", described_by="colour")
    again = pickle.loads(pickle.dumps(encoder))
    assert again.describer.model is None, "what can be loaded again is not carried"
    picture = [np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)]
    np.testing.assert_array_equal(again(picture)[0][0], encoder(picture)[0][0])
    assert again.space == encoder.space


def test_an_encoder_that_learns_meanwhile_is_described():
    config = OnlineConfig(MODELS["monet-lite"].tiny(), Stage(100, lr=1e-3), batch=4, first=1, begins=9, frames=2**18)
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=2), config, described_by=COLOUR.tiny().build())
    slots, _ = online.env.reset(seed=0)
    assert slots.shape == (2, online.encoder.load().slots, len(LATENTS))
    assert slots in online.env.observation_space


def test_an_agent_asks_for_it_by_a_wrapper():
    run = AgentRun("ObjRep/Reach-v0", wrappers=("colour",), envs=2)
    assert run.vector().single_observation_space.shape[1] == len(LATENTS)
