"""How well an encoder takes held-out scenes apart, over time."""

import gymnasium as gym
import numpy as np
import pytest
import torch

from objrep_gym.agents.heldout import HeldOut, held_out
from objrep_gym.experiments.judge import score
from objrep_gym.models import MODELS
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import Encoder
from tests.agents.brightness import SIDE, Stamp, brightness


def reach(count: int = 4, **options) -> gym.vector.VectorEnv:
    return gym.make_vec("ObjRep/Reach-v0", num_envs=count, info=("mask",), **options)


@pytest.fixture(scope="module")
def scenes() -> HeldOut:
    return held_out(reach(), 10)


def test_it_is_what_evaluate_says(scenes: HeldOut):
    """The same index and error as the experiments' own judge, for a model with attention masks and one that has only
    decoded ones, of pictures larger than the model's."""
    torch.manual_seed(0)
    for model in (MODELS["colour"].build(), MODELS["monet-lite"].tiny().build()):
        image = to_image(torch.from_numpy(scenes.pictures))
        told = score(model.eval(), image, scenes.masks.astype(int), scenes.background, "float32")
        found = scenes.score(Encoder(model))
        assert found["encoder/ari"] == pytest.approx(np.nanmean(told["ari_fg"]))
        assert found["encoder/mse"] == pytest.approx(np.mean(told["mse_decoded"]))
        assert found["encoder/ari_low"] <= found["encoder/ari"] <= found["encoder/ari_high"]


def test_versions_are_told_apart(scenes: HeldOut):
    encoder = Encoder(MODELS["monet-lite"].tiny().build())
    before = scenes.score(encoder)
    assert scenes.score(encoder) == before
    encoder.publish({name: value * 1.5 for name, value in encoder.load().state_dict().items()})
    assert scenes.score(encoder) != before


def test_the_same_seed_is_the_same_scenes_and_no_others(scenes: HeldOut):
    again, other = held_out(reach(), 10), held_out(reach(), 10, seed=1)
    np.testing.assert_array_equal(again.pictures, scenes.pictures)
    np.testing.assert_array_equal(again.masks, scenes.masks)
    assert len(scenes) == len(again) == 10
    assert len({picture.tobytes() for picture in (*scenes.pictures, *other.pictures)}) > 16
    learned = gym.make_vec("ObjRep/Reach-v0", num_envs=4).reset(seed=0)[0]
    assert not {picture.tobytes() for picture in scenes.pictures} & {picture.tobytes() for picture in learned}


def test_masks_belong_to_their_pictures(scenes: HeldOut):
    """Clustering by colour nearly finds them; with the masks of other pictures it hardly does better than chance."""
    others = HeldOut(scenes.pictures, np.roll(scenes.masks, 1, axis=0), scenes.background)
    encoder = Encoder("colour")
    assert scenes.score(encoder)["encoder/ari"] > 0.8
    assert others.score(encoder)["encoder/ari"] < 0.5


def test_a_model_without_masks_has_no_index():
    stamp = Stamp()
    stamp.scored_masks = lambda slots, decoded: None
    pictures = np.full((3, SIDE, SIDE, 3), 51, np.uint8)
    found = HeldOut(pictures, np.zeros((3, SIDE, SIDE), np.uint8), 0).score(Encoder(stamp))
    assert np.isnan(found["encoder/ari"])
    assert found["encoder/mse"] == pytest.approx(0, abs=1e-6)


def test_environments_that_tell_no_masks_are_named():
    with pytest.raises(ValueError, match=r'make it with info=\("mask",\)'):
        held_out(brightness(), 3)
    with pytest.raises(ValueError, match="0 scenes"):
        held_out(reach(), 0)
    with pytest.raises(ValueError, match="of 2 pictures"):
        held_out(gym.make_vec("ObjRep/GoalImage-v0", num_envs=2, info=("mask",)), 3)
