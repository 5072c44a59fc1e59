"""`perform`: an agent is trained, or goes on where it was, is examined, and shows what it does."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

from stable_baselines3.common.base_class import BaseAlgorithm

from objrep_gym.agents.algorithms import KINDS
from objrep_gym.agents.learn import Learned, learn, resume, save
from objrep_gym.configs import from_json, to_json
from objrep_gym.data import whole
from objrep_gym.data.watching import left, watching
from objrep_gym.experiments.agent_exam import (
    EXAM,
    SMOOTHED,
    as_table,
    described,
    examine,
    learning_curve,
    privileged,
    random,
    success_while_learning,
)
from objrep_gym.experiments.agent_run import AgentRun
from objrep_gym.experiments.provenance import provenance
from objrep_gym.figures.style import drawn
from objrep_gym.journal import Journal, check_tensorboard
from objrep_gym.processes import stopping

__all__ = [
    "AGENT",
    "CURVE",
    "EXAM",
    "FILM",
    "RESULT",
    "RUN",
    "SMOOTHED",
    "AgentRun",
    "Keeping",
    "Saves",
    "as_table",
    "begin",
    "described",
    "examine",
    "learning_curve",
    "perform",
    "privileged",
    "random",
    "success_while_learning",
]

RUN, AGENT, RESULT, CURVE, FILM = "run.json", "agent.zip", "evaluation.json", "curve.png", "episodes.webp"
SAVE_SECONDS = 30.0
SAVE_SHARE = 0.05  # of the time at most goes into saving: a replay buffer of pictures is a gigabyte


@dataclass(frozen=True)
class Keeping:
    """How a run is watched and when it ends; nothing of it changes what is learned but the minutes."""

    wandb: bool = False
    """Log to Weights & Biases too; WANDB_MODE=offline works."""
    progress: bool = True
    """Show a bar, or a line a minute where there is no terminal."""
    minutes: float | None = None
    """Learn no longer than this; the learning rate falls with whichever ends first."""
    pause: float | None = None
    """Minutes after which it is saved and left; the next call goes on."""
    tensorboard: bool = False
    """Log to TensorBoard too, below the run's folder; needs the extra `[tensorboard]`."""
    film: int = 0
    """Episodes of the evaluation that are played once more, as an animation; 0 for none."""

    @property
    def seconds(self) -> float | None:
        """`minutes` as `learn` takes them."""
        return None if self.minutes is None else 60 * self.minutes

    def check(self) -> None:
        """Raises ValueError on a film of fewer than no episodes, NotInstalled where TensorBoard is wanted and missing."""
        if self.film < 0:
            raise ValueError(f"a film of {self.film} episodes cannot be made: ask for 0 or more")
        if self.tensorboard:
            check_tensorboard()


def perform(run: AgentRun, folder: Path | str, keeping: Keeping = Keeping()) -> list[dict[str, Any]]:
    """Trains and evaluates `run` in `folder`, or goes on where that was left: a record of the agent, one of a random hand;
    none at all where it paused.

    Leaves run.json, journal.jsonl, agent.zip (stable-baselines3's), evaluation.json, curve.png, and, where a film is asked
    for, episodes.webp. Raises KeyboardInterrupt where it was stopped, after a save; ValueError where `folder` holds another
    run or foreign files, and where the preset does not fit the environment's actions.
    """
    folder = Path(folder)
    if min(run.steps, run.envs, run.episodes) < 1:
        raise ValueError(f"steps {run.steps}, envs {run.envs} and episodes {run.episodes} must be at least 1")
    keeping.check()
    begin(run, folder)
    found = (folder / RESULT).exists()
    records = json.loads((folder / RESULT).read_text(encoding="utf-8")) if found else made(run, folder, keeping)
    if keeping.film and records:
        shoot(run, folder, keeping.film)
    return records


def shoot(run: AgentRun, folder: Path, episodes: int) -> None:
    """Writes a film of the agent in `folder`, which sees as `run` says."""
    from objrep_gym.experiments.film import SIDE, film

    frames, _ = film(run, folder, episodes, SIDE)
    whole.write(folder / FILM, frames)


def made(run: AgentRun, folder: Path, keeping: Keeping) -> list[dict[str, Any]]:
    """The records of an agent that is not finished yet, which is trained and examined."""
    whole.sweep(folder)
    env = run.make()
    try:
        model = resume(run.algorithm, env, folder / AGENT, run.seed)
        with opened(run, folder, keeping, model.num_timesteps) as journal:
            if not train(run, model, folder, keeping, journal):
                return []
            records = [described(run, examine(run, model, keeping.progress)), described(run, random(run), "random hand")]
            records[0]["steps"] = model.num_timesteps
            journal.tell(step=model.num_timesteps, **evaluated(records))
    finally:
        env.close()
    whole.write(folder / CURVE, drawn(lambda: learning_curve(folder, records)))
    whole.write(folder / RESULT, json.dumps(records, indent=2) + "\n")
    return records


def evaluated(records: list[dict[str, Any]]) -> dict[str, float]:
    """The figures of an evaluation beside those of learning: `evaluation/success`, `evaluation/success_low`, …"""
    return {f"evaluation/{name}": value for name, value in records[0].items() if isinstance(value, float)}


def begin(run: AgentRun, folder: Path, beside: Mapping[str, Any] = MappingProxyType({})) -> None:
    """Makes the folder and its run.json, or checks that the folder is this run's. Fields that are newer than a run.json
    have their defaults in it. beside: what else the run depends on, by name, as JSON has it; what of that is newer than a
    run.json is not compared."""
    path = folder / RUN
    if path.exists() and any((folder / name).exists() for name in (AGENT, RESULT)):
        old, learned = begun(path)
        found = json.loads(path.read_text(encoding="utf-8"))
        differing = changes(old, run) or changes(learned, run.algorithm) or apart(found, beside)
        if differing:
            raise ValueError(
                f"{folder} holds another run: {'; '.join(differing)}. Use the same settings, or another folder"
            )
        return
    if not path.exists():
        whole.refuse_foreign(folder, f"holds no run ({RUN})")
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {"run": to_json(run), "algorithm": to_json(run.algorithm), **beside}
    whole.write(path, json.dumps({**wanted, **provenance()}, indent=2) + "\n")


def begun(path: Path) -> tuple[AgentRun, Any]:
    """The run and the algorithm that a run.json says. Raises ValueError on a file that says neither."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"it holds {type(found).__name__}, not an object")
        return from_json(found.get("run"), (AgentRun,), "run"), from_json(found.get("algorithm"), KINDS, "algorithm")
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}. Choose another folder") from error


def changes(old: Any, new: Any) -> list[str]:
    """In what two dataclasses differ."""
    values = {field.name: (getattr(old, field.name, None), getattr(new, field.name)) for field in fields(new)}
    return [f"{name} was {before!r}, now {now!r}" for name, (before, now) in values.items() if before != now]


def apart(old: Any, new: Any, name: str = "") -> list[str]:
    """In what values of JSON differ, as far as both have them."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return [told for key in new if key in old for told in apart(old[key], new[key], f"{name}.{key}".strip("."))]
    return [] if old == new else [f"{name} was {old!r}, now {new!r}"]


def opened(run: Any, folder: Path, keeping: Keeping, step: int) -> Journal:
    """The journal of a run, whose config it tells Weights & Biases; it goes on after `step`."""
    project = "objrep-gym" if keeping.wandb else None
    return Journal(folder, after=step, wandb=project, settings=to_json(run), tensorboard=keeping.tensorboard)


def train(run: AgentRun, model: BaseAlgorithm, folder: Path, keeping: Keeping, journal: Journal) -> bool:
    """Learns and writes the journal; False where it paused before the end. Raises KeyboardInterrupt where SIGTERM or Ctrl-C
    ended it, after a save too."""
    with watching(f"learn {run.env}", run.steps, keeping.progress) as show, stopping() as stop:
        saves = Saves(lambda: save(model, folder / AGENT), keeping.pause, stop)
        for now in learn(model, run.algorithm, run.steps, keeping.seconds):
            journal.write(step=now.step, **now.record())
            show(now.step, told(now, run.steps))
            if saves.pause(now):
                return False
    save(model, folder / AGENT, goes_on=False)
    return True


class Saves:
    """When a run is saved by `save`: every half minute, or less often where that takes long, and before it is left.

    minutes: after which it is left, None for never. stop: set by SIGTERM or Ctrl-C.
    """

    def __init__(self, save: Callable[[], None], minutes: float | None, stop: Event):
        self.save, self.stop, self.between = save, stop, SAVE_SECONDS
        self.last = time.monotonic()
        self.end = float("inf") if minutes is None else self.last + 60 * minutes

    def pause(self, now: Learned) -> bool:
        """Whether the run is to be left after this stretch, before its end. Raises KeyboardInterrupt if it was stopped."""
        began = time.monotonic()
        paused = began > self.end and now.step < now.steps
        if self.stop.is_set() or paused or began - self.last > self.between:
            self.save()
            self.last = time.monotonic()
            self.between = max(SAVE_SECONDS, (self.last - began) / SAVE_SHARE)
        if self.stop.is_set():
            raise KeyboardInterrupt
        return paused


def told(now: Learned, steps: int) -> str:
    """`412 steps/s  0:03:12 left  success .62`."""
    success = f"  success {now.successes.mean():.2f} of {len(now.successes)} episodes" if len(now.successes) else ""
    return f"{now.rate:.0f} steps/s  {left(max(steps - now.step, 0) / now.rate)}{success}"
