"""What environments that others wrote do to a wrapper, in small: each fault that was found there, held without their
packages. `tests/elsewhere` runs the wrappers on the environments themselves."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorWrapper
from gymnasium.wrappers import AddRenderObservation

from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import SlotObservation, VectorSlotObservation
from tests.wrappers.fakes import LENGTH, Fake, Stripes, of_bytes, picture, pixels, state


class Maskless(VectorWrapper):
    """As ale_py's vector environment: `final_obs` is one array of all rows, and nothing says which of them ended."""

    def step(self, actions):
        *told, infos = self.env.step(actions)
        infos.pop("final_info", None)
        if infos.pop("_final_obs", None) is not None:
            infos["final_obs"] = np.stack([np.zeros((16, 16, 3), np.uint8) if o is None else o for o in infos["final_obs"]])
        return *told, infos


def two_rows(wrapper=None):
    """Two environments, of which the first is a step ahead."""
    env = SyncVectorEnv([pixels] * 2, autoreset_mode=AutoresetMode.SAME_STEP)
    wrapped = VectorSlotObservation(wrapper(env) if wrapper else env, Stripes(), masks=True)
    wrapped.reset(seed=[1, 5])
    env.envs[0].steps = 1
    return wrapped


def test_last_observations_that_nothing_marks_are_encoded_where_an_episode_ended():
    known, told = two_rows(), two_rows(Maskless)
    for step in range(2, LENGTH + 1):
        expected, found = (env.step(np.zeros(2, int)) for env in (known, told))
        np.testing.assert_array_equal(found[0], expected[0])
        assert ("final_obs" in found[4]) == (step == LENGTH)
    assert found[4]["_final_obs"].tolist() == [True, False]
    np.testing.assert_array_equal(found[4]["final_obs"][0], expected[4]["final_obs"][0])
    assert found[4]["final_obs"][1] is None
    np.testing.assert_array_equal(found[4]["final_info"]["slots_mask"], expected[4]["final_info"]["slots_mask"])


def test_stable_baselines3_gets_them_as_slots_too():
    env = SB3VecEnv(two_rows(Maskless))
    env.step(np.zeros(2, int))
    _, _, done, infos = env.step(np.zeros(2, int))
    assert done.tolist() == [True, False]
    assert infos[0]["terminal_observation"].shape == (4, 3)
    assert "terminal_observation" not in infos[1]


@pytest.mark.parametrize("shape", [(4, 84, 84), (84, 84, 4), (2, 84, 84), (4, 84, 84, 3), (4, 84, 84, 1)], ids=str)
def test_stacked_frames_are_refused_even_where_there_is_a_renderer(shape):
    env = of_bytes(*shape)
    env.render_mode = "rgb_array"
    with pytest.raises(ValueError, match=r"no picture in .*FrameStackObservation\(SlotObservation\(env, encoder\), n\)"):
        SlotObservation(env, Stripes())


@pytest.mark.parametrize("shape", [(19, 19, 17), (8, 8, 111), (7, 7, 20), (2, 3), (3, 4, 5, 6)], ids=str)
def test_planes_of_a_board_are_no_stack_and_what_is_rendered_takes_their_place(shape):
    env = of_bytes(*shape)
    env.render_mode = "rgb_array"
    assert SlotObservation(env, Stripes()).reset(seed=1)[0].shape == (4, 3)


def test_a_stack_of_one_frame_is_a_picture():
    """Its left half is red: ale_py's vector environment gives colours only so."""
    image = np.zeros((1, 16, 16, 3), np.uint8)
    image[0, :, :8, 0] = 255
    make = [lambda: Fake(spaces.Box(0, 255, image.shape, np.uint8), lambda level: image)] * 2
    slots, _ = VectorSlotObservation(SyncVectorEnv(make), Stripes()).reset()
    np.testing.assert_allclose(slots[1, :, 0], [1, 1, 0, 0])
    np.testing.assert_allclose(slots[..., 1:], 0)


def board(highest: int, side: int = 19) -> Fake:
    """Symbols from 0 to `highest`, in the space of a picture."""
    symbols = (np.arange(side * side * 3).reshape(side, side, 3) % (highest + 1)).astype(np.uint8)
    return Fake(spaces.Box(0, 255, symbols.shape, np.uint8), lambda level: symbols)


def test_symbols_in_the_space_of_a_picture_are_refused():
    """Minigrid's whole board of 19 fields a side: its space says bytes from 0 to 255."""
    with pytest.raises(ValueError, match=r"no value above 10 in a picture of less than 32 pixels.*RGBImgObsWrapper"):
        SlotObservation(board(10), Stripes()).reset()
    with pytest.raises(ValueError, match="no value above 10"):
        VectorSlotObservation(SyncVectorEnv([lambda: board(10)] * 2), Stripes()).reset()
    both = spaces.Dict({"image": board(10).observation_space, "camera": pixels().observation_space})
    env = Fake(both, lambda level: {"image": board(10).make_observation(0), "camera": picture(level)})
    with pytest.raises(ValueError, match="'image' of Dict"):
        SlotObservation(env, Stripes()).reset()


@pytest.mark.parametrize(
    "env",
    [lambda: board(0), lambda: board(16), lambda: board(10, side=32)],
    ids=["black", "dark", "larger than a board"],
)
def test_dark_pictures_are_no_symbols(env):
    assert SlotObservation(env(), Stripes()).reset()[0].shape == (4, 3)


def test_what_is_only_rendered_can_be_stepped_with_a_reset_in_the_same_step():
    """As the error says that refuses it otherwise: the picture is then part of the observation that ends an episode."""
    make = [lambda: AddRenderObservation(state("rgb_array"))] * 2
    env = VectorSlotObservation(SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP), Stripes())
    env.reset(seed=[1, 5])
    for _ in range(LENGTH):
        slots, _, ended, _, infos = env.step(np.zeros(2, int))
    assert ended.all()
    np.testing.assert_allclose([last[0, 0] for last in infos["final_obs"]], [0.8, 0.8], atol=1 / 255)
    np.testing.assert_allclose(slots[:, 0, 0], [0.0, 0.0], atol=1 / 255)


def test_text_beside_a_picture_passes_through():
    """Minigrid's mission, which changes from episode to episode."""
    parts = spaces.Dict({"image": pixels().observation_space, "mission": spaces.Text(40)})
    made = lambda: Fake(parts, lambda level: {"image": picture(level), "mission": f"go{round(10 * level)}"})  # noqa: E731
    single, _ = SlotObservation(made(), Stripes()).reset(seed=1)
    assert single["mission"] == "go5"
    env = VectorSlotObservation(SyncVectorEnv([made] * 2, autoreset_mode=AutoresetMode.SAME_STEP), Stripes())
    assert env.reset(seed=[1, 2])[0]["mission"] == ("go5", "go0")
    for _ in range(LENGTH):
        observations, *_, infos = env.step(np.zeros(2, int))
    assert [last["mission"] for last in infos["final_obs"]] == ["go8", "go3"]
    assert observations in env.observation_space


def test_slots_are_stacked_like_any_observation():
    stacked = gym.wrappers.FrameStackObservation(SlotObservation(pixels(), Stripes()), 4)
    stacked.reset(seed=1)
    slots, *_ = stacked.step(0)
    assert slots.shape == (4, 4, 3)
    np.testing.assert_allclose(slots[:, 0, 0], [0.5, 0.5, 0.5, 0.6], atol=1 / 255)
