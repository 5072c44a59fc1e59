"""How fast environments step, pictures included: ours in every form and by each engine, beside those of others.

Actions are drawn beforehand, episodes begin anew where they end. A vector environment in processes of its own is forked
before anything is drawn here, and its processes' CPU time counts too.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gymnasium as gym
from gymnasium.vector import AsyncVectorEnv
from gymnasium.wrappers import AddRenderObservation

from objrep_gym.bench.turns import Spent, rounded, take_turns
from objrep_gym.envs.specs import spec_of
from objrep_gym.scenes.engines import ENGINES, installed
from objrep_gym.scenes.headless import probe
from objrep_gym.wrappers.frames import Frames

SMALL = {  # keywords by which the environments of others draw 64×64, by the package that makes them
    "gymnasium.envs.mujoco": {"width": 64, "height": 64},
    "miniworld": {"obs_width": 64, "obs_height": 64},
    "minigrid": {"tile_size": 8},
}
Env = gym.Env[Any, Any] | gym.vector.VectorEnv[Any, Any, Any]


@dataclass(frozen=True)
class Form:
    """An environment as it is stepped: how many at once, in which form, and what draws."""

    env: str
    form: str
    engine: str
    num: int
    made: Env

    @property
    def name(self) -> str:
        return f"{self.env} {self.form} {self.engine}"

    @property
    def size(self) -> str:
        """Height and width of the picture among what is observed."""
        space = (
            self.made.single_observation_space
            if isinstance(self.made, gym.vector.VectorEnv)
            else self.made.observation_space
        )
        parts = space.spaces.values() if isinstance(space, gym.spaces.Dict) else (space,)
        shapes = [part.shape for part in parts if part.shape is not None and len(part.shape) == 3]
        return "×".join(map(str, shapes[0][:2])) if shapes else ""

    @property
    def work(self) -> Callable[[int], object]:
        """Takes so many steps of each environment."""
        self.made.reset(seed=0)
        self.made.action_space.seed(0)
        actions = [self.made.action_space.sample() for _ in range(100)]
        alone = not isinstance(self.made, gym.vector.VectorEnv)

        def step(count: int) -> None:
            for i in range(count):
                _, _, terminated, truncated, _ = self.made.step(actions[i % len(actions)])
                if alone and (terminated or truncated):
                    self.made.reset()

        return step


@dataclass(frozen=True)
class Turn:
    """How long a turn is: `steps` of each environment, or as many as fit into `seconds`."""

    steps: int
    seconds: float

    def of(self, step: Callable[[int], object]) -> int:
        """Steps of one form's turn, measured after a warm-up."""
        step(2)
        began = time.perf_counter()
        step(2)
        return max(1, min(self.steps, round(self.seconds * 2 / (time.perf_counter() - began))))


def bench_env(envs: Sequence[str], against: Sequence[str], num: int, rounds: int, turn: Turn) -> Iterator[dict[str, Any]]:
    """One record a form: `env, form, engine, size, num_envs, steps_per_second, cpu_us_per_step`, and `ratio_to_single` and
    `ratio_to_plain`, to one environment of that id and to N of them stepped one by one, both drawn by OpenGL.

    Those of others take turns with the first of ours, and are left out where their package is not installed. Raises
    gymnasium's errors on an unknown id.
    """
    os.environ.setdefault("MUJOCO_GL", probe())  # gymnasium's own environments of MuJoCo do not look for a library,
    if "DISPLAY" not in os.environ:
        os.environ.setdefault("PYGLET_HEADLESS", "true")  # nor does Miniworld
    warm_up_rays(envs[0])
    rivals = [name for name in against if ":" not in name or find_spec(name.partition(":")[0])]
    for i, env in enumerate(envs):
        forms = forms_of(env, num)
        with redirect_stdout(sys.stderr):  # records alone go to the output, whatever others have to say
            forms += [form for name in rivals if i == 0 for form in forms_of_others(name, num)]
        try:
            yield from measure(forms, rounds, turn)
        finally:
            for form in forms:
                form.made.close()


def warm_up_rays(env: str) -> None:
    """Loads what numba compiled before processes are forked: each would load it again."""
    made = gym.make(env, engine="raycast")
    made.reset(seed=0)
    made.close()


def forms_of(env: str, num: int) -> list[Form]:
    """One of ours, by each engine that is installed: alone, and N in processes of their own, one by one, and as one native
    vector environment. `warp` is spared the processes, each of which would take a share of one GPU's memory."""
    forms = []
    for engine in installed():
        one = Form(env, "single", engine, 1, gym.make(env, engine=engine))
        many = replace(one, num=num)
        forms.append(one)
        if engine != "warp":
            in_processes = gym.make_vec(env, num, vectorization_mode="async", engine=engine)
            forms.append(replace(many, form=f"AsyncVectorEnv of {num}", made=in_processes))
        if engine == "opengl":
            by_one = gym.make_vec(env, num, vectorization_mode="sync", engine=engine)
            forms.append(replace(many, form=f"SyncVectorEnv of {num}", made=by_one))
        forms.append(replace(many, form=f"native vector of {num}", made=gym.make_vec(env, num, engine=engine)))
    return forms


def forms_of_others(env: str, num: int) -> list[Form]:
    """One of others: alone, and N of them, each in a process of its own. What it renders is observed where nothing else
    is a picture. gymnasium's renderers take the graphics context that was made last for theirs: two in a process, or one
    beside ours, draw nothing, and fast."""
    spec = spec_of(env)
    made_by = str(spec.entry_point)
    small = next((keywords for package, keywords in SMALL.items() if made_by.startswith(package)), {})
    keywords: dict[str, Any] = {**small, "render_mode": "rgb_array"}
    bare = gym.make(env, **keywords)
    drawn = [AddRenderObservation] if Frames(bare.observation_space, "rgb_array").rendered else []
    bare.close()
    forms = {"single": 1, f"AsyncVectorEnv of {num}": num}
    how: dict[str, Any] = {"vectorization_mode": "async", "wrappers": drawn, **keywords}
    return [Form(spec.id, form, "its own", n, gym.make_vec(env, n, **how)) for form, n in forms.items()]


def measure(forms: Sequence[Form], rounds: int, turn: Turn) -> Iterator[dict[str, Any]]:
    """The records of forms that take turns with each other."""
    steps = {form.name: form.work for form in forms}
    counts = {name: turn.of(step) for name, step in steps.items()}
    works = {name: (lambda name=name, step=step: step(counts[name])) for name, step in steps.items()}
    processes = [worker.pid for form in forms for worker in workers(form)]
    spent = take_turns(works, rounds, lambda: cpu_seconds(processes))
    rates = {form.name: counts[form.name] * form.num / spent[form.name].wall for form in forms}
    for form in forms:
        yield record(form, rates, spent[form.name], counts[form.name])


def record(form: Form, rates: dict[str, float], spent: Spent, steps: int) -> dict[str, Any]:
    """What `bench_env` promises of one form."""
    rate = rates[form.name]
    found = {"env": form.env, "form": form.form, "engine": form.engine, "size": form.size, "num_envs": form.num}
    found |= {"steps_per_second": rounded(rate), "cpu_us_per_step": rounded(1e6 * spent.cpu / (steps * form.num))}
    base = form.engine if form.engine not in ENGINES else ENGINES[0]
    for ratio, plain in (("single", f"{form.env} single {base}"), ("plain", f"{form.env} SyncVectorEnv")):
        others = [one for name, one in rates.items() if name.startswith(plain)]
        found[f"ratio_to_{ratio}"] = rounded(rate / others[0]) if others else None
    return found


def workers(form: Form) -> list[Any]:
    """The processes of a vector environment that has some."""
    return list(form.made.processes) if isinstance(form.made, AsyncVectorEnv) else []


def cpu_seconds(processes: Sequence[int]) -> float:
    """CPU time so far of this process and of others, all threads together; where the system does not tell that of others
    (it is Linux that does, in nanoseconds), NaN as soon as there are any."""
    if processes and not Path("/proc/self/schedstat").exists():
        return float("nan")
    threads = (task for process in processes for task in Path(f"/proc/{process}/task").iterdir())
    others = sum(int((task / "schedstat").read_text().split()[0]) for task in threads)
    return time.process_time() + others / 1e9
