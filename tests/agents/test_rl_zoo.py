"""The YAML for rl-baselines3-zoo: it parses, names classes that are there and keywords that they take, has the presets'
numbers, and what it describes learns."""

import inspect
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from stable_baselines3 import DQN, PPO, SAC
from stable_baselines3.common.env_util import make_vec_env

import objrep_gym
from objrep_gym.agents.algorithms import ALGORITHMS
from objrep_gym.agents.extractors import EXTRACTORS

FOLDER = Path(objrep_gym.__file__).parent / "agents" / "rl_zoo"
FILES = sorted(path.stem for path in FOLDER.glob("*.yml"))
PRESETS = {"ppo": "ppo", "ppo_lstm": "ppo-recurrent", "dqn": "dqn", "sac": "sac"}
ASIDE = ("n_envs", "n_timesteps", "env_wrapper", "vec_env_wrapper", "env_kwargs", "policy_kwargs")
NUMBERS = {
    "batch_size": "batch",
    "n_epochs": "epochs",
    "gamma": "gamma",
    "gae_lambda": "gae_lambda",
    "clip_range": "clip",
    "ent_coef": "entropy",
    "vf_coef": "value",
    "max_grad_norm": "grad_norm",
    "buffer_size": "replay",
    "learning_starts": "warmup",
    "gradient_steps": "updates",
    "n_steps": "lookahead",
    "target_update_interval": "target",
    "exploration_fraction": "explore",
    "exploration_initial_eps": "epsilon",
    "exploration_final_eps": "epsilon_end",
    "tau": "tau",
}
recurrent = pytest.mark.skipif(find_spec("sb3_contrib") is None, reason="not installed: objrep-gym[recurrent]")
every_file = pytest.mark.parametrize(
    "file", [pytest.param(name, marks=recurrent) if "lstm" in name else name for name in FILES]
)


def read(file):
    """The environments of a file, by id."""
    return yaml.safe_load((FOLDER / f"{file}.yml").read_text(encoding="utf-8"))


def named(path):
    """The class of a dotted name, as the zoo finds it."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def wrappers(entry):
    """Classes and keywords of an entry, of single environments and of all together."""
    found = {}
    for key in ("env_wrapper", "vec_env_wrapper"):
        listed = [one if isinstance(one, dict) else {one: {}} for one in entry.get(key) or []]
        found[key] = [(named(path), keywords) for one in listed for path, keywords in one.items()]
    return found["env_wrapper"], found["vec_env_wrapper"]


def algorithm(file):
    if file == "ppo_lstm":
        from sb3_contrib import RecurrentPPO

        return RecurrentPPO
    return {"ppo": PPO, "dqn": DQN, "sac": SAC}[file]


def keywords(entry, file):
    """What the zoo hands to the algorithm, and its policy's keywords."""
    given = {name: value for name, value in entry.items() if name not in ASIDE}
    kind, _, rate = given["learning_rate"].partition("_")
    assert kind == "lin", "which the zoo makes a schedule of"
    given["learning_rate"] = float(rate)
    policy = eval(entry["policy_kwargs"], {"get_class_by_name": named})
    return given, policy


def test_there_is_a_file_for_every_algorithm():
    assert sorted(PRESETS) == FILES


@every_file
def test_every_class_is_there_and_takes_its_keywords(file):
    for entry in read(file).values():
        for outer in wrappers(entry):
            for kind, given in outer:
                inspect.signature(kind).bind(object(), **given)
        given, _ = keywords(entry, file)
        inspect.signature(algorithm(file)).bind(env=None, **given)


@every_file
def test_numbers_are_the_preset_s(file):
    preset, entry = ALGORITHMS[PRESETS[file]], read(file)["default"]
    given, policy = keywords(entry, file)
    assert given["learning_rate"] == preset.lr
    assert policy["features_extractor_class"] is EXTRACTORS[preset.extractor]
    told = {name: getattr(preset, field) for name, field in NUMBERS.items() if hasattr(preset, field)}
    if hasattr(preset, "rollout"):
        told |= {"n_steps": preset.rollout // entry["n_envs"]}
    if hasattr(preset, "temperature"):
        told |= {"ent_coef": f"auto_{preset.temperature}"}
    assert {name: given[name] for name in told} == told
    assert set(given) - set(told) <= {"policy", "learning_rate", "train_freq"}


@every_file
def test_what_a_file_describes_learns(file):
    """The zoo itself is no dependency: its order of wrapping, with few steps, and an encoder that needs no weights."""
    for name, entry in read(file).items():
        inner, outer = wrappers(entry)
        env_id = {"default": "ObjRep/Reach-v0"}.get(name, name)
        env = make_vec_env(
            env_id,
            2,
            env_kwargs=entry.get("env_kwargs"),
            wrapper_class=inner[0][0] if inner else None,
            wrapper_kwargs=inner[0][1] if inner else None,
        )
        for kind, given in outer:
            env = kind(env, **{**given, "encoder": "colour"})
        given, policy = keywords(entry, file)
        few = {"n_steps": 8, "batch_size": 8} if "n_epochs" in given else {"learning_starts": 8, "batch_size": 8}
        model = algorithm(file)(env=env, device="cpu", policy_kwargs=policy, **{**given, **few})
        model.learn(16)
        assert len(model.observation_space.shape) == 2
        env.close()
