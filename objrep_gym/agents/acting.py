"""What may be between an algorithm of stable-baselines3 and an encoder that changes, and when it may change."""

import inspect
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecCheckNan, VecEnv, VecEnvWrapper, VecMonitor, VecNormalize

from objrep_gym.agents.beholder import OnlineSlots
from objrep_gym.agents.replay import FrameReplayBuffer
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.sets import ALONE

MIDST = ("collect_rollouts", "train")
"""Methods of stable-baselines3's algorithms in which slots are seen or learned from."""
BEGINS = BaseCallback.on_rollout_start.__code__


def check(model: BaseAlgorithm, env: OnlineSlots) -> None:
    """Raises ValueError where `model` does not act in `env`, sees other numbers than the encoder's or keeps slots of old
    versions, RuntimeError where it is in the midst of a rollout, of its update or of a step: a batch would mix versions."""
    shown = adapter(model)
    if not any(layer is env for layer in shown.layers()):
        raise ValueError(
            f"the model acts in {model.env}, not in the env of this encoder: build it on SB3VecEnv(online.env)"
        )
    check_numbers(shown, env)
    rollout, replay = getattr(model, "rollout_buffer", None), getattr(model, "replay_buffer", None)
    # `generator_ready` once an update has begun; `pos` is still 0 in the callback of a rollout's first step.
    if rollout is not None and ((rollout.pos and not rollout.generator_ready) or within(model)):
        raise RuntimeError(
            f"a rollout is at step {rollout.pos} of {rollout.buffer_size}, and its update is not done: an encoder may "
            "change between rollouts only, such as after each that `learn` yields"
        )
    if not hasattr(model, "replay_buffer"):
        return
    if not isinstance(replay, FrameReplayBuffer) or replay.latest is not env.latest:
        kept = type(replay).__name__
        raise ValueError(
            f"the model's {kept} does not keep this environment's frames: make it with **online.replay(), or attach() one "
            "that was loaded"
        )
    if not replay.latest.stored and model._last_obs is not None:  # else it has not begun, and scales were looked for
        raise RuntimeError(
            "the last step is not stored yet: an encoder may change between two calls of learn(), not within"
        )


def within(model: BaseAlgorithm) -> bool:
    """Whether a rollout or an update of `model` is what calls this. One that only begins has seen nothing."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code is not BEGINS:
        if frame.f_code.co_name in MIDST and frame.f_locals.get("self") is model:
            return True
        frame = frame.f_back
    return False


def adapter(model: BaseAlgorithm) -> SB3VecEnv:
    """The environment that the model acts in, below wrappers that only look on. Raises ValueError on any other wrapper."""
    env: VecEnv | None = model.env
    while isinstance(env, VecEnvWrapper) and looks_on(env):
        env = env.venv
    if not isinstance(env, SB3VecEnv):
        raise ValueError(
            f"the model acts in {type(env).__name__}: an encoder that changes wants SB3VecEnv(online.env), below "
            "VecMonitor, VecCheckNan or a VecNormalize(norm_obs=False) at most, as others would mix what versions say"
        )
    return env


def looks_on(env: VecEnvWrapper) -> bool:
    """Whether observations pass unchanged."""
    return isinstance(env, (VecMonitor, VecCheckNan)) or (isinstance(env, VecNormalize) and not env.norm_obs)


def check_numbers(shown: SB3VecEnv, env: OnlineSlots) -> None:
    """Raises ValueError, naming what stands above the slots, where what was shown last is not the encoder's numbers: scales
    belong to a version, and a normaliser would be a second one. Only a wrapper that sees them `again` may change their
    order."""
    layers = shown.layers()
    above, made, last = layers[: layers.index(env)], env.made, shown.last
    if not above or not made or last is None:
        return
    parts = last if isinstance(last, dict) else {ALONE: last}
    ordered = not any(hasattr(layer, "again") for layer in above)
    own = [alike(parts[key], slots, ordered) for key, slots in made.items() if key in parts]
    # Where no key is left, one of them may stand alone.
    if all(own) if own else any(alike(part, slots, ordered) for part in parts.values() for slots in made.values()):
        return
    names = ", ".join(type(layer).__name__ for layer in above)
    raise ValueError(
        f"above the slots, {names} changes their numbers, or their order without an again(): leave normalisers out, the "
        "scales of the extractors are set for every version"
    )


def alike(part: Any, slots: np.ndarray, ordered: bool) -> bool:
    """Whether a part of an observation is these slots, in whatever order unless `ordered`."""
    if np.size(part) != slots.size:
        return False
    return np.array_equal(part, slots) if ordered else np.array_equal(np.sort(part, axis=None), np.sort(slots, axis=None))


def last_observation(model: BaseAlgorithm, observation: Any) -> None:
    """Replaces what the model saw last. One that remembers (sb3-contrib's RecurrentPPO) forgets what other slots told it,
    as where an episode begins."""
    model._last_obs = observation
    if model._last_original_obs is not None:
        model._last_original_obs = observation
    states = getattr(model, "_last_lstm_states", None)
    if states is not None:
        model._last_episode_starts = np.ones(model.n_envs, dtype=bool)
        zeros = (tuple(torch.zeros_like(part) for part in each) for each in states)  # of actions, of values
        model._last_lstm_states = type(states)(*zeros)  # pyright: ignore[reportAttributeAccessIssue]
