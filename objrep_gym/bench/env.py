"""How fast environments step: one alone, N one by one, N as one native vector environment."""

from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np

from objrep_gym.bench.turns import rounded, take_turns


def bench_env(env: str, num: int, steps: int, rounds: int) -> Iterator[dict[str, Any]]:
    """One record a form: `env, form, num_envs, steps_per_second, cpu_us_per_step`, and `ratio_to_plain`, the plain form
    being N single environments stepped one by one (`SyncVectorEnv`)."""
    alone = gym.make(env)
    forms = {
        f"SyncVectorEnv of {num}": gym.make_vec(env, num, vectorization_mode="sync"),
        f"native vector of {num}": gym.make_vec(env, num),
    }
    works: dict[str, Callable[[], object]] = {"single": single(alone, steps)}
    works |= {name: several(form, steps) for name, form in forms.items()}
    try:
        spent = take_turns(works, rounds)
    finally:
        alone.close()
        for form in forms.values():
            form.close()
    count = {"single": 1, **{name: num for name in forms}}
    rates = {name: steps * count[name] / spent[name].wall for name in works}
    for name, n in count.items():
        yield {
            "env": env,
            "form": name,
            "num_envs": n,
            "steps_per_second": rounded(rates[name]),
            "cpu_us_per_step": rounded(1e6 * spent[name].cpu / (steps * n)),
            "ratio_to_plain": rounded(rates[name] / rates[f"SyncVectorEnv of {num}"]),
        }


def single(env: gym.Env[Any, Any], steps: int) -> Callable[[], object]:
    """Work of one environment: random steps, begun anew where an episode ends."""
    env.reset(seed=0)
    env.action_space.seed(0)

    def work() -> None:
        for _ in range(steps):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()

    return work


def several(env: gym.vector.VectorEnv[Any, Any, Any], steps: int) -> Callable[[], object]:
    """Work of N environments that begin anew by themselves. Actions are drawn beforehand: sampling is not what is timed."""
    env.reset(seed=0)
    env.action_space.seed(0)
    actions: list[np.ndarray] = [env.action_space.sample() for _ in range(steps)]

    def work() -> None:
        for action in actions:
            env.step(action)

    return work
