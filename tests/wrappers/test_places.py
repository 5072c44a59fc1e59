"""Where slots lie, beside what they say."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym import weights
from objrep_gym.agents.algorithms import PPOConfig
from objrep_gym.agents.extractors import Scale
from objrep_gym.agents.learn import learn
from objrep_gym.agents.online import OnlineConfig, OnlineEncoder
from objrep_gym.models import MODELS
from objrep_gym.models.blocks import coordinates
from objrep_gym.models.colour import LATENTS
from objrep_gym.models.places import PLACES, places
from objrep_gym.training import Stage
from objrep_gym.wrappers.encoder import Encoder
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.sb3_slots import SlotVecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, dictionary, pixels
from tests.wrappers.test_slots import compare


def test_places_of_a_rectangle_are_those_of_its_pixels():
    masks = torch.zeros(1, 3, 8, 16)
    masks[0, 0, 2:5, 3:11] = 1.0
    masks[0, 1, 7, 15] = 0.25  # a quarter of a pixel, in a corner
    found = dict(zip(PLACES, places(masks.flatten(2), coordinates(8, 16))[0].T.numpy(), strict=True))
    rows, columns = np.linspace(-1, 1, 8)[2:5], np.linspace(-1, 1, 16)[3:11]
    assert found["y"] == pytest.approx([rows.mean(), 0.25, 0], abs=1e-6)
    assert found["x"] == pytest.approx([columns.mean(), 0.25, 0], abs=1e-6)
    assert found["height"][0] == pytest.approx(rows.std(), abs=1e-6)
    assert found["width"][0] == pytest.approx(columns.std(), abs=1e-6)
    assert found["area"] == pytest.approx([24 / 128, 0.25 / 128, 0])


def test_soft_masks_weigh_their_pixels():
    """Against numpy's weighted mean and covariance."""
    masks = np.random.default_rng(0).random((2, 3, 8, 8), dtype=np.float32)
    found = places(torch.from_numpy(masks).flatten(2), coordinates(8, 8)).numpy()
    y, x = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8), indexing="ij")
    for row, slot in np.ndindex(2, 3):
        weights = masks[row, slot].ravel()
        points = np.stack([y.ravel(), x.ravel()])
        spread = np.sqrt(np.diag(np.cov(points, aweights=weights, ddof=0)))
        expected = [*np.average(points, axis=1, weights=weights), *spread, weights.mean()]
        np.testing.assert_allclose(found[row, slot], expected, atol=1e-5)


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_places_stand_after_latents_in_every_observation(mode, make):
    """Plain slots as they were, then places; last observations too."""
    plain, located = (
        VectorSlotObservation(SyncVectorEnv([make] * 2, autoreset_mode=mode), Encoder(Stripes(), places=asked))
        for asked in (False, True)
    )
    first, second = plain.reset(seed=0)[0], located.reset(seed=0)[0]
    for step in range(LENGTH):
        assert second in located.observation_space
        for key in ("left", "right") if make is dictionary else (None,):
            without, found = (one if key is None else one[key] for one in (first, second))
            np.testing.assert_array_equal(found[..., :-5], without)
            columns = np.linspace(-1, 1, 16).reshape(4, 4)
            np.testing.assert_allclose(found[..., -4], np.tile(columns.mean(1), (2, 1)), atol=1e-6)
            np.testing.assert_allclose(found[..., -2], columns.std(1)[0], atol=1e-6)
        (first, *_, infos), (second, *_, others) = (env.step(np.zeros(2, int)) for env in (plain, located))
        if step == LENGTH - 1 and mode is AutoresetMode.SAME_STEP:
            assert all(last in located.single_observation_space for last in others["final_obs"])
            assert ("final_obs" in infos) == ("final_obs" in others)


def test_single_and_vector_agree():
    theirs = SyncVectorEnv([lambda: SlotObservation(pixels(), Stripes(), places=True)] * 2)
    ours = VectorSlotObservation(SyncVectorEnv([pixels] * 2), Stripes(), places=True)
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    for _ in range(2 * LENGTH):
        compare(ours.step(np.zeros(2, int)), theirs.step(np.zeros(2, int)))


def test_colours_own_numbers_are_found_again():
    """An encoder whose latents tell the places of its segments, by the same definition."""
    env = gym.make("ObjRep/Reach-v0", encoder="colour", encoding={"places": True})
    slots, _ = env.reset(seed=3)
    np.testing.assert_allclose(slots[:, -5:], slots[:, LATENTS.index("y") : len(LATENTS)], atol=1e-6)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    np.testing.assert_array_equal(again.reset(seed=3)[0], slots)


def test_an_encoder_without_masks_cannot_tell():
    with pytest.raises(ValueError, match=r"has no masks: leave places=True out"):
        Encoder("mvae@sprites", places=True)


def test_a_shared_encoder_has_them_or_not():
    with pytest.raises(ValueError, match=r"places=True beside an Encoder that is shared"):
        SlotObservation(pixels(), Encoder(Stripes()), places=True)


def test_a_pickled_encoder_still_tells():
    encoder = Encoder("colour", places=True)
    again = pickle.loads(pickle.dumps(encoder))
    picture = [np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)]
    np.testing.assert_array_equal(again(picture)[0][0], encoder(picture)[0][0])
    assert again.space == encoder.space


def test_stable_baselines_own_environments_have_them():
    from stable_baselines3.common.vec_env import DummyVecEnv

    env = SlotVecEnv(DummyVecEnv([pixels] * 2), "colour", places=True)
    assert env.observation_space.shape[1] == len(LATENTS) + len(PLACES)
    assert env.reset().shape == (2, *env.observation_space.shape)


def test_an_encoder_that_learns_meanwhile_has_them():
    """In what its agent sees, in the scales of the agent's extractor, and where a picture is encoded again."""
    config = OnlineConfig(
        MODELS["monet-lite"].tiny(), Stage(100, lr=1e-3), batch=4, first=1, begins=9, publish=1, frames=2**18, scaled=64
    )
    online = OnlineEncoder(gym.make_vec("ObjRep/Reach-v0", num_envs=2), config, places=True)
    preset = PPOConfig(rollout=36, batch=18, epochs=1, width=8)
    model = preset.build(SB3VecEnv(online.env), 0)
    for _ in learn(model, preset, 36):
        assert online.step(model).published
    latent = online.encoder.load().latent_size
    assert online.env.single_observation_space.shape[1] == latent + len(PLACES)
    (scale,) = [part for part in model.policy.modules() if isinstance(part, Scale)]
    assert scale.mean.shape[-1] == latent + len(PLACES)
    seen = online.env.again()
    assert (seen[..., -1] > 0).any()
    assert seen in online.env.observation_space


def test_a_path_is_a_reference(tmp_path):
    folder = weights.PRETRAINED / "monet-lite@objects-room"
    assert gym.make("ObjRep/Reach-v0", encoder=folder).get_wrapper_attr("encoder").ref == str(folder)
    env = SlotObservation(gym.make("ObjRep/Reach-v0"), folder)
    EnvSpec.from_json(env.spec.to_json())
