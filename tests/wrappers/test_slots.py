"""Pictures become slots, in any environment."""

import pickle

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from objrep_gym.weights import WeightsError
from objrep_gym.wrappers.pixels import PixelObservation
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Stripes, StripesConfig, dictionary, floats, of_bytes, pixels, state
from tests.wrappers.fakes import Fake as FakeEnv


def level_of(slots: np.ndarray) -> float:
    """Brightness in [0, 1] that slots of `Stripes` tell of."""
    assert slots.shape == (4, 3)
    assert slots.dtype == np.float32
    np.testing.assert_allclose(slots, slots[0, 0], atol=1e-6)
    return float(slots[0, 0])


def near(level: float) -> object:
    return pytest.approx(level, abs=1 / 255)


@pytest.mark.parametrize(
    "env",
    [
        pytest.param(pixels, id="bytes"),
        pytest.param(lambda: of_bytes(40, 60, 3), id="larger"),
        pytest.param(lambda: of_bytes(16, 17, 3), id="wider"),
        pytest.param(lambda: of_bytes(16, 16), id="grey"),
        pytest.param(lambda: of_bytes(16, 16, 1), id="grey-1"),
        pytest.param(lambda: of_bytes(3, 16, 16), id="first"),
        pytest.param(lambda: floats((16, 16, 3), 0.0, 1.0), id="float-1"),
        pytest.param(lambda: floats((16, 16, 3), 0.0, 255.0), id="float-255"),
        pytest.param(lambda: floats((16, 16, 3), -1.0, 1.0), id="float-signed"),
        pytest.param(lambda: floats((1, 20, 20), 0.0, 1.0), id="float-first-grey"),
        pytest.param(lambda: state("rgb_array"), id="rendered"),
    ],
)
def test_every_kind_of_picture_comes_in_alike(env):
    model = Stripes()
    wrapped = SlotObservation(env(), model)
    slots, _ = wrapped.reset(seed=1)
    assert level_of(slots) == near(0.5)
    slots, *_ = wrapped.step(0)
    assert level_of(slots) == near(0.6)
    assert slots in wrapped.observation_space
    for batch in model.batches:  # the encoder's door: floats in [0, 1], its own size, and not divided twice
        assert batch.shape == (1, 3, 16, 16)
        assert batch.dtype == torch.float32
        assert 0.45 < batch.min() <= batch.max() < 0.65


def test_places_are_kept_and_channels_are_not_mixed():
    """A red left half and a blue top, from channels first in floats, halved in size."""
    image = np.zeros((3, 32, 32), np.float32)
    image[0, :, :16], image[2, :16] = 1.0, 0.5
    env = SlotObservation(FakeEnv(gym.spaces.Box(0.0, 1.0, (3, 32, 32), np.float32), lambda level: image), Stripes())
    slots, _ = env.reset()
    np.testing.assert_allclose(slots[:, 0], [1, 1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(slots[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(slots[:, 2], 0.25, atol=1e-2)


@pytest.mark.parametrize("kind", ["flipped", "read-only"])
def test_pictures_in_memory_that_torch_refuses(kind):
    """MuJoCo's and many other renderers turn pictures upside down by a view."""
    image = np.zeros((16, 16, 3), np.uint8)
    image[:8] = 255
    shown = image[::-1, ::-1] if kind == "flipped" else image
    shown.flags.writeable = kind == "flipped"
    assert level_of(SlotObservation(state("rgb_array", frame=shown), Stripes()).reset()[0]) == 0.5
    bytes_env = FakeEnv(pixels().observation_space, lambda level: shown)
    assert level_of(SlotObservation(bytes_env, Stripes()).reset()[0]) == 0.5
    resized, _ = PixelObservation(bytes_env, size=(8, 8)).reset()
    np.testing.assert_array_equal(resized[:, 0, 0], [0] * 4 + [255] * 4 if kind == "flipped" else [255] * 4 + [0] * 4)


def test_an_environment_that_is_not_ours():
    """Reacher of gymnasium renders through a second OpenGL context, beside ours."""
    ours = gym.make("ObjRep/Reach-v0", encoder="colour")
    before, _ = ours.reset(seed=0)
    env = SlotObservation(gym.make("Reacher-v5", render_mode="rgb_array", width=48, height=32), "colour")
    slots, _ = env.reset(seed=0)
    moved, *_ = env.step(env.action_space.high)
    assert slots in env.observation_space
    assert not np.array_equal(slots, moved)
    np.testing.assert_array_equal(ours.reset(seed=0)[0], before)
    env.close()
    ours.close()


def test_a_grey_model_sees_luminance():
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 1] = 255
    env = SlotObservation(FakeEnv(pixels().observation_space, lambda level: image), Stripes(StripesConfig((1, 16, 16))))
    np.testing.assert_allclose(env.reset()[0], 0.587, atol=1e-5)


def test_a_dict_has_each_picture_encoded_in_one_batch_and_the_rest_passed_through():
    model = Stripes()
    env = SlotObservation(dictionary(), model, masks=True)
    observation, info = env.reset(seed=1)
    assert set(observation) == {"state", "left", "right"}
    assert observation in env.observation_space
    assert (level_of(observation["left"]), level_of(observation["right"])) == (near(0.5), near(0.25))
    np.testing.assert_array_equal(observation["state"], np.float32(0.5))
    assert set(info["slots_mask"]) == {"left", "right"}
    assert [len(batch) for batch in model.batches] == [2]


def test_a_dict_without_a_picture_gets_slots_of_what_is_rendered():
    env = SlotObservation(dictionary(image=False, render_mode="rgb_array"), Stripes())
    observation, _ = env.reset(seed=1)
    assert set(observation) == {"state", "slots"}
    assert observation in env.observation_space
    assert level_of(observation["slots"]) == near(0.5)


@pytest.mark.parametrize("env", [state, lambda: dictionary(image=False)], ids=["state", "dict"])
def test_no_picture_and_no_renderer(env):
    with pytest.raises(ValueError, match='render_mode="rgb_array"'):
        SlotObservation(env(), Stripes())


@pytest.mark.parametrize(
    "frame", ["text", np.zeros((4, 4), np.uint8), np.zeros((16, 16, 3), np.float32)], ids=["text", "flat", "float"]
)
def test_renderers_that_give_no_picture(frame):
    with pytest.raises(ValueError, match="not a picture uint8"):
        SlotObservation(state("rgb_array", frame=frame), Stripes()).reset()


def test_floats_without_bounds_are_no_picture():
    depth = spaces.Box(0, np.inf, (16, 16, 1), np.float32)
    with pytest.raises(ValueError, match=r"no picture in .*bounds that say what is black and white"):
        SlotObservation(FakeEnv(depth, lambda level: np.zeros((16, 16, 1), np.float32)), Stripes())
    both = spaces.Dict({"image": pixels().observation_space, "depth": depth})
    env = SlotObservation(
        FakeEnv(both, lambda level: {"image": np.zeros((16, 16, 3), np.uint8), "depth": np.ones((16, 16, 1), np.float32)}),
        Stripes(),
    )
    seen, _ = env.reset()
    assert seen["image"].shape == (4, 3)
    np.testing.assert_array_equal(seen["depth"], np.ones((16, 16, 1)))


@pytest.mark.parametrize("shape", [(7, 7, 3), (64, 64, 4), (5,)], ids=str)
def test_boards_and_stacks_are_not_taken_for_pictures(shape):
    with pytest.raises(ValueError, match="no picture in"):
        SlotObservation(of_bytes(*shape), Stripes())


def test_a_missing_reference_is_named_with_what_is_published():
    with pytest.raises(WeightsError, match="nothing@nowhere"):
        SlotObservation(pixels(), "nothing@nowhere")
    with pytest.raises(WeightsError, match=r"nothing@nowhere(.|\n)*monet-lite@objects-room|nothing@nowhere(.|\n)*colour"):
        gym.make_vec("ObjRep/Reach-v0", encoder="nothing@nowhere")


def test_a_wrong_number_of_slots():
    with pytest.raises(ValueError, match="Colour was built with 7 slots and cannot encode a picture as 9"):
        SlotObservation(pixels(), "colour", slots=9)
    assert SlotObservation(pixels(), "colour", slots=7).observation_space.shape == (7, 8)


def test_another_number_of_slots_where_the_model_takes_it():
    env = SlotObservation(pixels(), "monet-lite@objects-room", slots=4)
    again = pickle.loads(pickle.dumps(env.encoder))
    shown = np.zeros((2, 64, 64, 3), np.uint8)
    assert env.observation_space.shape == env.reset(seed=0)[0].shape == again([shown])[0][0][0].shape == (4, 16)


def test_masks_that_a_model_does_not_have():
    model = Stripes()
    model.has_masks = False
    with pytest.raises(ValueError, match="no masks"):
        SlotObservation(pixels(), model, masks=True)


def test_an_unknown_precision():
    with pytest.raises(ValueError, match="float32, bf16"):
        SlotObservation(pixels(), Stripes(), precision="int4")


def test_bf16_is_near_and_still_gives_float32():
    one, other = (SlotObservation(gym.make("ObjRep/Reach-v0"), "colour", precision=name) for name in ("float32", "bf16"))
    slots = other.reset(seed=1)[0]
    assert slots.dtype == np.float32
    np.testing.assert_allclose(slots, one.reset(seed=1)[0], atol=0.05)


def test_large_latents_are_clipped_and_nan_is_an_error():
    env = SlotObservation(pixels(), Stripes(scale=1e6))
    slots, _ = env.reset(seed=1)
    assert (slots == 10).all()
    assert slots in env.observation_space
    with pytest.raises(FloatingPointError, match="not finite"):
        SlotObservation(pixels(), Stripes(scale=float("nan"))).reset()


def test_an_encoder_is_frozen_and_threads_are_left_alone():
    model, threads = Stripes(), torch.get_num_threads()
    model.train()
    env = SlotObservation(pixels(), model)
    env.reset()
    assert not model.training
    assert not model.weight.requires_grad
    assert torch.get_num_threads() == threads


def test_masks_come_when_asked_for():
    assert "slots_mask" not in SlotObservation(pixels(), Stripes()).reset()[1]
    _, info = SlotObservation(pixels(), Stripes(), masks=True).reset()
    assert info["slots_mask"].shape == (4, 16, 16)
    np.testing.assert_allclose(info["slots_mask"].sum(0), 1)


def test_a_spec_with_a_reference_survives_json():
    env = SlotObservation(gym.make("ObjRep/Reach-v0"), "colour", slots=7, masks=True)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert isinstance(again, SlotObservation)
    np.testing.assert_array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])


def test_a_pickled_wrapper_carries_its_reference_not_its_weights():
    env = SlotObservation(gym.make("ObjRep/Reach-v0"), "colour")
    first, _ = env.reset(seed=2)
    data = pickle.dumps(env)
    assert b"Colour" not in data
    np.testing.assert_array_equal(pickle.loads(data).reset(seed=2)[0], first)


@pytest.mark.parametrize("make", [pixels, dictionary], ids=["box", "dict"])
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_the_vector_form_equals_single_wrappers(mode, make):
    """Final observations, infos and masks included, in every autoreset mode."""
    single, together = Stripes(), Stripes()
    theirs = SyncVectorEnv([lambda: SlotObservation(make(), single, masks=True)] * 3, autoreset_mode=mode)
    ours = VectorSlotObservation(SyncVectorEnv([make] * 3, autoreset_mode=mode), together, masks=True)
    assert ours.observation_space == theirs.observation_space
    assert ours.single_observation_space == theirs.single_observation_space
    compare(ours.reset(seed=0), theirs.reset(seed=0))
    for step in range(3 * LENGTH):
        found, expected = ours.step(np.zeros(3, int)), theirs.step(np.zeros(3, int))
        compare(found, expected)
        assert ("final_obs" in found[4]) == (mode is AutoresetMode.SAME_STEP and step % LENGTH == LENGTH - 1)
        ended = found[2]
        if mode is AutoresetMode.DISABLED and ended.any():
            one, other = (env.reset(options={"reset_mask": ended.copy()})[0] for env in (ours, theirs))
            compare(one, other)
    cameras = len(ours.frames.keys)
    wanted = {3 * cameras, 6 * cameras} if mode is AutoresetMode.SAME_STEP else {3 * cameras}
    assert {len(batch) for batch in together.batches} == wanted  # one forward pass for everything


def compare(ours, theirs) -> None:
    """As `tests.envs.test_vector.same`, for floats that were summed in another order."""
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            compare(ours[name], value)
    elif isinstance(theirs, tuple) or (isinstance(theirs, np.ndarray) and theirs.dtype == object):
        for one, other in zip(ours, theirs, strict=True):
            compare(one, other)
    elif theirs is None:
        assert ours is None
    else:
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_rows_that_end_at_different_times_are_kept_apart():
    env = VectorSlotObservation(SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.SAME_STEP), Stripes(), masks=True)
    env.reset(seed=[1, 5])
    env.env.envs[0].steps = 1  # one step ahead
    env.step(np.zeros(2, int))
    slots, _, ended, _, infos = env.step(np.zeros(2, int))
    assert ended.tolist() == infos["_final_obs"].tolist() == [True, False]
    assert level_of(infos["final_obs"][0]) == near(0.8)
    assert infos["final_obs"][1] is None
    assert (level_of(slots[0]), level_of(slots[1])) == (near(0.0), near(0.7))
    assert infos["final_info"]["_slots_mask"].tolist() == [True, False]
    assert infos["final_info"]["slots_mask"][0].sum() == 16 * 16
    assert infos["final_info"]["slots_mask"][1].sum() == 0


def test_environments_that_only_render():
    make = [lambda: state("rgb_array")] * 2
    with pytest.raises(ValueError, match="use NEXT_STEP"):
        VectorSlotObservation(SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP), Stripes())
    env = VectorSlotObservation(SyncVectorEnv(make, autoreset_mode=AutoresetMode.NEXT_STEP), Stripes())
    slots, _ = env.reset(seed=[1, 2])
    assert [level_of(one) for one in slots] == [near(0.5), near(0.0)]


def test_make_vec_gives_slots_of_ours():
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=3, encoder="colour", encoding={"masks": True})
    slots, infos = env.reset(seed=0)
    assert slots.shape == (3, 7, 8)
    assert slots in env.observation_space
    assert infos["slots_mask"].shape == (3, 7, 64, 64)
    single = gym.make("ObjRep/Reach-v0", encoder="colour")
    np.testing.assert_allclose(single.reset(seed=1)[0], slots[1], atol=1e-5)
