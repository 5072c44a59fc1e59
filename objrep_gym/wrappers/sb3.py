"""SB3VecEnv: a gymnasium VectorEnv as stable-baselines3's VecEnv, which its algorithms take and a VectorEnv is not.

    PPO("MlpPolicy", SB3VecEnv(gym.make_vec("ObjRep/Reach-v0", num_envs=16, encoder="oracle")))

The last observation of an episode stands in `infos[i]["terminal_observation"]`, encoded like every other, and
`infos[i]["TimeLimit.truncated"]` says whether the episode was only cut off.
"""

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorObservationWrapper
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

OF_GOALS = ("compute_reward", "compute_terminated", "compute_truncated")
"""Methods whose result belongs to the places that were handed in, not to the rows, even where it has as many."""


class SB3VecEnv(VecEnv):
    """N environments as stable-baselines3 sees them. Raises ValueError unless they reset themselves in the step that ends
    an episode (SAME_STEP): stable-baselines3 counts every step as one of an episode. TypeError on a single environment."""

    def __init__(self, env: VectorEnv[Any, Any, Any] | gym.Env[Any, Any]):
        if not isinstance(env, VectorEnv):
            raise TypeError(
                f"{env} is no VectorEnv: stable-baselines3 takes a single environment as it is, and this takes many, of "
                'gym.make_vec("ObjRep/Reach-v0", num_envs=16)'
            )
        mode = env.metadata.get("autoreset_mode")
        if mode is not AutoresetMode.SAME_STEP:
            raise ValueError(
                f"{env} has the autoreset_mode {mode}, and stable-baselines3 needs SAME_STEP: the default of ours, and of "
                "others gym.make_vec(..., vector_kwargs={'autoreset_mode': gymnasium.vector.AutoresetMode.SAME_STEP})"
            )
        self.env = env
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)
        self.actions = np.zeros(0)
        self.last: VecEnvObs | None = None  # what was shown last

    def reset(self) -> VecEnvObs:
        """With the seeds and options that were set for it. Raises ValueError on options that differ from row to row."""
        if any(options != self._options[0] for options in self._options):
            raise ValueError(f"options {self._options} differ between environments, and a VectorEnv takes one for all")
        # `seed` counted them up from the first, as every VectorEnv does itself; some take no list.
        observations, infos = self.env.reset(seed=self._seeds[0], options=self._options[0] or None)
        self.reset_infos = rows(infos, range(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        self.last = observations
        return observations

    def step_async(self, actions: np.ndarray) -> None:
        self.actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        observations, rewards, terminations, truncations, infos = self.env.step(self.actions)
        dones = terminations | truncations
        last, final = infos.get("final_obs", ()), infos.get("final_info", {})
        current = {name: values for name, values in infos.items() if not name.lstrip("_").startswith("final_")}
        listed = rows(current, range(self.num_envs))
        ended = np.flatnonzero(dones)
        for i, ending in zip(ended, rows(final, ended), strict=True):
            self.reset_infos[i] = listed[i]
            # What a wrapper counted over the whole episode stands beside `final_info`, not in it.
            episode = {"episode": listed[i]["episode"]} if "episode" in listed[i] else {}
            listed[i] = {**episode, **ending, "terminal_observation": last[i]}
        for i, info in enumerate(listed):
            info["TimeLimit.truncated"] = bool(truncations[i] and not terminations[i])
        self.last = observations
        return observations, np.asarray(rewards, dtype=np.float32), dones, listed

    def again(self) -> VecEnvObs:
        """The last observation, encoded anew, of the outermost wrapper that can: for when an encoder has a new version.
        Raises ValueError where none can, or where one above it changes observations and cannot."""
        for layer in self.layers():
            if hasattr(layer, "again"):
                self.last = again = layer.again()
                return again
            if isinstance(layer, VectorObservationWrapper):
                raise ValueError(
                    f"{layer} changes observations and has no again(): put it below the slots, or leave it out"
                )
        raise ValueError(f"no layer of {self.env} encodes: wrap it in VectorSlotObservation")

    def close(self) -> None:
        self.env.close()

    def get_images(self) -> Sequence[np.ndarray | None]:
        frames: Any = self.env.render()
        return list(frames or [None] * self.num_envs)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Of a wrapper or of the vector environment itself, and then the same for all; of each single environment where
        there are such. Raises AttributeError."""
        layer = self._layer(attr_name)
        if layer is None and hasattr(self.env.unwrapped, "get_attr"):
            every = self.env.unwrapped.get_attr(attr_name)  # pyright: ignore[reportAttributeAccessIssue]
            return [every[i] for i in self._get_indices(indices)]
        if layer is None:
            raise AttributeError(f"{self.env} has no attribute {attr_name!r}")
        return [getattr(layer, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Of the vector environment, or of each single one where there are such. Raises ValueError where only some of the
        rows of one vector environment are meant."""
        if hasattr(self.env.unwrapped, "set_attr"):
            every = list(self.get_attr(attr_name)) if self.has_attr(attr_name) else [None] * self.num_envs
            for i in self._get_indices(indices):
                every[i] = value
            self.env.unwrapped.set_attr(attr_name, every)  # pyright: ignore[reportAttributeAccessIssue]
        elif set(self._get_indices(indices)) != set(range(self.num_envs)):
            raise ValueError(f"{attr_name!r} is one for all {self.num_envs} rows of {self.env}: set it without indices")
        else:
            setattr(self._layer(attr_name) or self.env.unwrapped, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls each single environment's method where there are such; else the vector environment's, once, whose result is
        dealt out if it is a tuple, a list or an array of N, and repeated if not, or if it is of goals: HerReplayBuffer asks
        for any number of rewards."""
        layer, base = self._layer(method_name), self.env.unwrapped
        if layer is None and hasattr(base, "call"):
            result = base.call(method_name, *method_args, **method_kwargs)  # pyright: ignore[reportAttributeAccessIssue]
        elif layer is None:
            raise AttributeError(f"{self.env} has no method {method_name!r}")
        else:
            result = getattr(layer, method_name)(*method_args, **method_kwargs)
        of_goals = layer is not None and method_name in OF_GOALS
        dealt = isinstance(result, tuple | list | np.ndarray) and len(result) == self.num_envs and not of_goals
        return [result[i] if dealt else result for i in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper], indices: VecEnvIndices = None) -> list[bool]:
        """Whether a layer of the vector environment is a `wrapper_class`, or each single environment is wrapped so."""
        whole = any(isinstance(layer, wrapper_class) for layer in self.layers())
        singles = getattr(self.env.unwrapped, "envs", None)
        every = [whole or (singles is not None and wraps(singles[i], wrapper_class)) for i in range(self.num_envs)]
        return [every[i] for i in self._get_indices(indices)]

    def layers(self) -> list[Any]:
        """The wrappers, outermost first, and the vector environment."""
        layers: list[Any] = [self.env]
        while layers[-1] is not self.env.unwrapped:
            layers.append(layers[-1].env)
        return layers

    def _layer(self, name: str) -> Any:
        """The outermost layer that has the attribute, or None."""
        return next((layer for layer in self.layers() if hasattr(layer, name)), None)


def rows(infos: dict[str, Any], which: Sequence[int] | np.ndarray) -> list[dict[str, Any]]:
    """The info of each row of `which`, taken apart by the `_` masks; nested ones likewise."""
    listed: list[dict[str, Any]] = [{} for _ in which]
    for name, values in infos.items():
        if name.startswith("_") and name[1:] in infos:
            continue
        there = infos.get(f"_{name}")
        parts = rows(values, which) if isinstance(values, dict) else None
        for place, i in enumerate(which):
            if there is None or there[i]:
                listed[place][name] = values[i] if parts is None else parts[place]
    return listed


def wraps(env: Any, wrapper_class: type[gym.Wrapper]) -> bool:
    """Whether `env` or what it wraps is a `wrapper_class`."""
    while isinstance(env, gym.Wrapper):
        if isinstance(env, wrapper_class):
            return True
        env = env.env
    return False
