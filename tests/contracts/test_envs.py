"""What every registered environment must do, and its vector form, with and without slots."""

import json
import pickle
import re
import subprocess
import sys
import warnings

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.env_checker import check_env as check_env_sb3

import objrep_gym
from objrep_gym.wrappers.oracle import OracleSlots
from tests.engines import where_installed
from tests.envs.test_vector import same

IDS = sorted(name for name in gym.registry if name.startswith("ObjRep/"))
TOUCHING = ("Reach", "OddOneOut", "PropertyOddOneOut", "Match", "Collect", "Analogy")
TASKS = (*TOUCHING, "Push", "PushOrdered", "Navigate", "GoalImage")
VARIED = {name: list(objrep_gym.AXES) for name in ("Reach", "OddOneOut", "PropertyOddOneOut")} | {
    "Push": [*objrep_gym.AXES, "Anywhere"],
    "GoalImage": ["Hand"],
}
OPTIONS = {f"ObjRep/{task}-v0": [{}, {"control": "continuous", "engine": "raycast"}] for task in TASKS}
OPTIONS["ObjRep/GoalImage-v0"].append({"moves": "hand"})
OPTIONS["ObjRep/Scenes-v0"] = [{}, {"look": "plain", "engine": "raycast"}]
VARIANTS = [(name, options) for name in IDS for options in OPTIONS.get(name, [{}])]
UNCONVENTIONAL = (
    "Your observation  has an unconventional shape (neither an image, nor a 1D vector). We recommend you to flatten the "
    "observation to have only a 1D vector or use a custom policy to properly process the data."
)
each = pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
# Ids that differ from another one by keywords alone are spared what keywords have no part in.
each_game = pytest.mark.parametrize(("name", "options"), [one for one in VARIANTS if one[0] in OPTIONS], ids=str)


def test_every_task_is_registered_sparse_and_dense_and_four_with_every_axis():
    names = {f"ObjRep/{name}{ending}-v0" for name in TASKS for ending in ("", "Dense", *VARIED.get(name, []))}
    assert {*IDS} == names | {"ObjRep/Scenes-v0"}
    assert {gym.spec(name).max_episode_steps for name in names} == {100, 200}
    assert {name for name in names if gym.spec(name).max_episode_steps == 200} == {n for n in names if "PushOrdered" in n}
    assert objrep_gym.__version__


@each
def test_gymnasium_finds_nothing_to_say(name, options):
    check_env(gym.make(name, info=("mask", "depth"), render_mode="rgb_array", **options).unwrapped)


@each
def test_stable_baselines_finds_nothing_to_say(name, options):
    check_env_sb3(Through(gym.make(name, **options)), skip_render_check=False)


class Through(gym.Wrapper):
    """Hands methods through, which gymnasium's wrappers do not: the checker asks the outermost one for rewards of goals."""

    def __getattr__(self, name):
        return self.env.get_wrapper_attr(name)


@each_game
@pytest.mark.parametrize("encoder", ["colour", "oracle"])
def test_slots_are_merely_unconventional(name, options, encoder):
    env = gym.make(name, encoder=encoder, **options)
    shown = slots_of(env.observation_space)
    for space in shown:
        assert len(space.shape) == 2
        assert np.isfinite([space.low, space.high]).all()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        check_env_sb3(Through(env))
    assert len(said) == len(shown)
    assert {re.sub("observation .*has", "observation  has", str(warning.message)) for warning in said} == {UNCONVENTIONAL}


def slots_of(space: gym.Space) -> list[gym.Space]:
    """The spaces of slots in an observation space."""
    return [space["observation"], space["goal"]] if isinstance(space, gym.spaces.Dict) else [space]


@each_game
def test_gymnasium_finds_nothing_to_say_of_slots(name, options):
    """The checker wants a bare environment, since it warns of wrappers: so the wrapper says it is one."""

    class Bare(OracleSlots):
        @property
        def unwrapped(self):
            return self

        @property
        def _np_random(self):
            return self.env.unwrapped._np_random

    # Its comparison of infos takes NaN, which factors have, for a difference: rendering and closing are checked elsewhere.
    env = Bare(gym.make(name, info=("factors",), **options).unwrapped)
    forget_info(env)
    check_env(env, skip_render_check=True, skip_close_check=True)


def forget_info(env) -> None:
    """Makes an environment return empty infos."""
    reset, step = env.reset, env.step
    env.reset = lambda *, seed=None, options=None: (reset(seed=seed, options=options)[0], {})
    env.step = lambda action: (*step(action)[:4], {})


def rollout(name: str, options: dict, seed: int, steps: int = 12) -> list[np.ndarray]:
    env = gym.make(name, **options)
    env.action_space.seed(0)
    seen = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        image, _, terminated, truncated, _ = env.step(env.action_space.sample())
        seen.append(image)
        if terminated or truncated:
            seen.append(env.reset()[0])
    env.close()
    return [one if isinstance(one, np.ndarray) else np.stack([one["observation"], one["goal"]]) for one in seen]


@each
def test_a_seed_says_everything(name, options):
    one, again, other = (rollout(name, options, seed) for seed in (1, 1, 2))
    assert len(one) == len(again)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[0], one[-1])


@each_game
def test_rendering_shows_what_is_observed(name, options):
    env = gym.make(name, render_mode="rgb_array", size=(32, 48), **options)
    image = scene_of(env.reset(seed=0)[0])
    assert image.shape == (32, 48, 3)
    np.testing.assert_array_equal(env.render(), image)
    image = scene_of(env.step(0 if name == "ObjRep/Scenes-v0" else env.action_space.sample())[0])
    np.testing.assert_array_equal(env.render(), image)
    env.close()
    env.close()


def scene_of(observation):
    """What shows the scene as it is."""
    return observation["observation"] if isinstance(observation, dict) else observation


@each_game
def test_masks_and_factors_tell_of_the_same_things(name, options):
    env = gym.make(name, info=("mask", "factors", "depth"), **options)
    about = env.unwrapped.about
    for seed in range(5):
        _, info = env.reset(seed=seed)
        ids = np.unique(info["mask"])
        assert ids.max() < len(about.entities)
        there = ~np.isnan(info["factors"][:, about.factors.index("hue")])
        assert there[ids].all()
        np.testing.assert_array_equal(np.isinf(info["depth"]), info["mask"] == about.entities.index("sky"))


@each_game
def test_a_spec_survives_json(name, options):
    env = gym.make(name, info=("mask",), size=(32, 32), encoder="oracle", **options)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert str(again) == str(env)
    same(again.reset(seed=5)[0], env.reset(seed=5)[0])
    vector = gym.make_vec(name, num_envs=3, autoreset_mode="NextStep", **options)
    assert vector.spec is not None
    again = gym.make_vec(EnvSpec.from_json(vector.spec.to_json()))
    assert again.num_envs == 3
    assert again.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    same(again.reset(seed=5)[0], vector.reset(seed=5)[0])


@each_game
def test_pickling_before_and_after_drawing(name, options):
    env = gym.make(name, **options)
    twin = pickle.loads(pickle.dumps(env))
    same(env.reset(seed=4)[0], twin.reset(seed=4)[0])
    third = pickle.loads(pickle.dumps(env))
    same(env.reset()[0], third.reset()[0])


@each
def test_a_vector_equals_single_environments(name, options):
    """Bit for bit what gymnasium's own vector environment makes of single ones; the modes are compared on a flat world."""
    info, count = ("mask", "factors", "depth"), 3
    ours = gym.make_vec(name, num_envs=count, info=info, max_episode_steps=6, **options)
    theirs = SyncVectorEnv(
        [lambda: gym.make(name, info=info, max_episode_steps=6, **options)] * count, autoreset_mode=AutoresetMode.SAME_STEP
    )
    same(ours.reset(seed=11), theirs.reset(seed=11))
    ours.action_space.seed(2)
    for _ in range(15):
        actions = ours.action_space.sample()
        same(ours.step(actions), theirs.step(actions))
    ours.close()
    theirs.close()


@pytest.mark.parametrize("context", ["fork", "spawn"])
@pytest.mark.parametrize(
    ("engine", "name", "walk"),
    [
        where_installed("opengl", "Reach", [0]),
        where_installed("opengl", "Push", [0, 0, 1, 1, 2, 2, 2, 3, 3, 3]),
        where_installed("raycast", "Reach", [0]),
        where_installed("warp", "Reach", [0]),
    ],
)
def test_environments_run_in_processes_of_their_own(engine, name, walk, context):
    """Each makes its own OpenGL context, or threads, though the parent has some, moves and draws what the parent does."""
    ours = gym.make_vec(f"ObjRep/{name}-v0", num_envs=2, engine=engine)
    images, _ = ours.reset(seed=8)
    how = {"vectorization_mode": "async", "vector_kwargs": {"context": context}}
    processes = gym.make_vec(f"objrep_gym:ObjRep/{name}-v0", num_envs=2, engine=engine, **how)
    np.testing.assert_array_equal(processes.reset(seed=8)[0], images)
    for action in walk:
        actions = np.array([action, (action + 1) % 4])
        np.testing.assert_array_equal(processes.step(actions)[0], ours.step(actions)[0])
    processes.close()


@each
@pytest.mark.parametrize("steps", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_random_steps_stay_in_their_spaces(name, options, steps):
    env = gym.make_vec(name, num_envs=4, info=("factors",), size=(16, 16), max_episode_steps=40, **options)
    env.reset(seed=0)
    env.action_space.seed(0)
    ends = 0
    for _ in range(steps // 4):
        images, rewards, terminations, truncations, infos = env.step(env.action_space.sample())
        assert images in env.observation_space
        ended = terminations | truncations
        final = infos.get("final_info", {"is_success": np.zeros(4, bool)})
        check_rewards(name, rewards, final["is_success"])
        places = infos["factors"][..., 5:7]
        assert np.nanmax(np.abs(places)) < env.unwrapped.game.world.half_width
        ends += ended.sum()
    assert ends > steps / 400


def check_rewards(name: str, rewards: np.ndarray, success: np.ndarray) -> None:
    """Of one step: 0 or 1, which is success; shares of 1 in Collect and PushOrdered; where they are dense, a step's way
    more or less: in pushing there are two, and the place behind a thing swings around it."""
    shared = "Collect" in name or "Ordered" in name
    if name == "ObjRep/GoalImageDense-v0":  # all that is missing
        assert ((success & (rewards >= 0.8)) | (~success & (rewards < -0.2))).all()
    elif "Dense" in name:
        worth, way = 0.5 if shared else 1.0, 1.0 if "Push" in name else 0.3
        assert (np.abs(rewards - worth * success) < (worth + way if shared else way)).all()
    elif shared:
        assert set(np.unique(rewards)) <= {0.0, 0.5}
        assert (rewards[success] == 0.5).all()
    else:
        assert set(np.unique(rewards)) <= {0.0, 1.0}
        np.testing.assert_array_equal(rewards == 1.0, success)


def test_environments_need_no_torch():
    code = (
        "import sys, gymnasium; env = gymnasium.make('objrep_gym:ObjRep/Reach-v0', encoder='oracle'); env.reset(seed=0); "
        "env.step(0); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_importing_registers_and_loads_nothing_heavy():
    code = "import sys, objrep_gym; assert not {'torch', 'mujoco', 'matplotlib'} & set(sys.modules), sorted(sys.modules)"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_unknown_keywords_name_themselves():
    with pytest.raises(TypeError, match="colour_of_the_sky"):
        gym.make("ObjRep/Reach-v0", colour_of_the_sky="red")
    with pytest.raises(ValueError, match="control 'jump' is none of discrete, continuous"):
        gym.make("ObjRep/Reach-v0", control="jump")
    with pytest.raises(ValueError, match="camera 'drone' is none of fixed, low, ring"):
        gym.make("ObjRep/Reach-v0", camera="drone")
    with pytest.raises(ValueError, match="reward 'rich' is none of sparse, dense"):
        gym.make("ObjRep/Match-v0", reward="rich")
    with pytest.raises(ValueError, match="things 'green' is none of any, seen-colours"):
        gym.make("ObjRep/Collect-v0", things="green")
    with pytest.raises(ValueError, match="hand 'foot' is none of white-sphere, black-cube"):
        gym.make("ObjRep/Reach-v0", hand="foot")
    with pytest.raises(ValueError, match="light 'night' is none of day, dim, evening"):
        gym.make("ObjRep/OddOneOut-v0", light="night")
    with pytest.raises(ValueError, match="objects=9 is not from 3 to 8"):
        gym.make("ObjRep/OddOneOut-v0", objects=9)
    with pytest.raises(ValueError, match="engine 'steam' is none of opengl, raycast, warp"):
        gym.make("ObjRep/Match-v0", engine="steam")
    with pytest.raises(ValueError, match="engine 'steam' is none of opengl, raycast, warp"):
        gym.make("ObjRep/Scenes-v0", engine="steam")
    with pytest.raises(ValueError, match="variant 'cellar'"):
        gym.make("ObjRep/Scenes-v0", variant="cellar")
    with pytest.raises(ValueError, match="add encoder="):
        gym.make("ObjRep/Reach-v0", encoding={"precision": "bf16"})


@pytest.mark.parametrize("variant", ["train", "six-objects", "empty-room", "identical-color"])
def test_scenes_of_every_variant(variant):
    env = gym.make_vec("ObjRep/Scenes-v0", num_envs=4, variant=variant, look="plain", size=(24, 24))
    first, _ = env.reset(seed=0)
    second, _, terminations, truncations, infos = env.step(np.zeros(4, int))
    assert truncations.all()
    assert not terminations.any()
    assert len(np.unique(np.concatenate([first, second]), axis=0)) == 8
    np.testing.assert_array_equal(np.stack(infos["final_obs"]), first)


def test_reach_is_the_task_that_it_says():
    """The goal looks the same in every episode, and the camera keeps its place."""
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=50, info=("factors",), draws=False)
    about = env.unwrapped.about
    _, infos = env.reset(seed=0)
    assert about.entities[about.background :] == ("object_0", "object_1", "object_2", "object_3", "hand")
    columns = [about.factors.index(name) for name in ("shape", "hue", "saturation", "value", "size")]
    goal = infos["factors"][:, about.entities.index("object_0")][:, columns]
    assert len(np.unique(goal, axis=0)) == 1
    camera = infos["factors"][:, 0][:, [about.factors.index(name) for name in ("azimuth", "elevation")]]
    assert len(np.unique(camera, axis=0)) == 1
    assert json.dumps(env.spec.kwargs)


def test_the_ring_camera_looks_from_everywhere():
    env = gym.make_vec("ObjRep/Reach-v0", num_envs=40, camera="ring", info=("factors", "mask"))
    about = env.unwrapped.about
    _, infos = env.reset(seed=0)
    azimuth = infos["factors"][:, 0, about.factors.index("azimuth")]
    assert len(np.unique(np.floor(azimuth / (np.pi / 2)))) == 4
    for row in range(about.background, len(about.entities)):
        assert (infos["mask"] == row).any(axis=(1, 2)).mean() > 0.95  # rarely hidden, never out of the picture
