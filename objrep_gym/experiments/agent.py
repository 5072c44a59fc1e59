"""AgentRun: one agent, from an environment's id to its rate of success; and `perform`, which makes or continues it."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import AddRenderObservation
from stable_baselines3 import PPO

from objrep_gym.agents.algorithms import ALGORITHMS, PPOConfig
from objrep_gym.agents.evaluate import Evaluation, evaluate
from objrep_gym.agents.learn import Learned, learn, resume, save
from objrep_gym.agents.scripted import RandomHand, knowing
from objrep_gym.configs import to_json
from objrep_gym.data import whole
from objrep_gym.data.watching import left, watching
from objrep_gym.experiments.provenance import provenance
from objrep_gym.figures.curves import Curve, Level, curves, smooth
from objrep_gym.figures.style import drawn
from objrep_gym.figures.tables import Column, Table
from objrep_gym.journal import Journal, read
from objrep_gym.metrics.intervals import Interval
from objrep_gym.processes import stopping
from objrep_gym.training import Precision
from objrep_gym.wrappers.frames import Frames
from objrep_gym.wrappers.pixels import VectorPixelObservation
from objrep_gym.wrappers.sb3 import SB3VecEnv
from objrep_gym.wrappers.slots import VectorSlotObservation

RUN, AGENT, RESULT, CURVE, JOURNAL = "run.json", "agent.zip", "evaluation.json", "curve.png", "journal.jsonl"
SAVE_SECONDS = 30.0
SMOOTHED = 300  # episodes that a point of a learning curve is the mean of
EXAM = 1_000_000  # added to the seed: no scene of the evaluation was learned on
COLUMNS = {
    "success": Column("success", "rate", "high"),
    "return": Column("return", "number", digits=2),
    "length": Column("steps", "number"),
    "episodes": Column("episodes"),
}


@dataclass(frozen=True)
class AgentRun:
    """One agent, complete: what it sees, what learns, how long, and how it is evaluated."""

    env: str
    """An environment id, such as ObjRep/Reach-v0; of others, any with pictures."""
    encoder: str = "monet-lite@objects-room"
    """A reference of weights, `colour`, `oracle` for true factors, or `pixels`."""
    extractor: Literal["deep-set", "relation", "attention", "flat"] | None = None
    """What pools the slots; the preset's if None. Pixels always go through a convolutional network."""
    preset: Literal["ppo", "ppo-wide", "ppo-ocrl"] = "ppo"
    """ppo is tuned for 16 environments at once, ppo-wide for 64 and long runs; ppo-ocrl is Yoon et al.'s (2023)."""
    steps: int = 100_000
    """Environment steps, summed over environments."""
    envs: int = 16
    """Environments side by side."""
    episodes: int = 200
    """Episodes of the evaluation."""
    seed: int = 0
    """Of weights, actions and scenes."""
    precision: Precision = "float32"
    """Of the encoder."""

    @property
    def algorithm(self) -> PPOConfig:
        """The preset with the extractor that this run needs."""
        extractor = "cnn" if self.encoder == "pixels" else self.extractor
        preset = ALGORITHMS[self.preset]
        return preset if extractor is None else preset.with_extractor(extractor)

    def make(self, encoder: str | None = None, masks: bool = False, count: int | None = None) -> SB3VecEnv:
        """Environments as this run sees them, or through another `encoder`; `masks` puts the slots' into info.

        Ours take the encoder as a keyword; others are made one by one and wrapped. Raises gymnasium's errors on an
        unknown id, ValueError on an environment without pictures.
        """
        encoder, count = encoder or self.encoder, count or self.envs
        options: dict[str, Any] = {"precision": self.precision} if encoder not in ("oracle", "pixels") else {}
        options |= {"masks": True} if masks else {}
        if "game" in gym.spec(self.env).kwargs:
            mode = "rgb_array" if masks else None
            return SB3VecEnv(
                gym.make_vec(self.env, num_envs=count, encoder=encoder, encoding=options or None, render_mode=mode)
            )
        if encoder == "oracle":
            raise ValueError(f"{self.env} does not tell its true factors: choose another encoder, such as colour")
        made = self.others(count)
        return SB3VecEnv(
            VectorPixelObservation(made) if encoder == "pixels" else VectorSlotObservation(made, encoder, **options)
        )

    def others(self, count: int) -> gym.vector.VectorEnv[Any, Any, Any]:
        """Environments that are not ours; what one renders becomes its observation where that holds no picture."""
        env = gym.make(self.env, render_mode="rgb_array")
        draws = Frames(env.observation_space, env.render_mode).rendered
        env.close()
        wrappers = [AddRenderObservation] if draws else []
        same = {"autoreset_mode": AutoresetMode.SAME_STEP}
        return gym.make_vec(self.env, count, "sync", vector_kwargs=same, render_mode="rgb_array", wrappers=wrappers)


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


def perform(run: AgentRun, folder: Path | str, keeping: Keeping = Keeping()) -> list[dict[str, Any]]:
    """Trains and evaluates `run` in `folder`, or goes on where that was left: a record of the agent, one of a random hand;
    none at all where it paused.

    Leaves run.json, journal.jsonl, agent.zip (stable-baselines3's), evaluation.json and curve.png. Raises
    KeyboardInterrupt where it was stopped, after a save; ValueError where `folder` holds another run or foreign files.
    """
    folder = Path(folder)
    if min(run.steps, run.envs, run.episodes) < 1:
        raise ValueError(f"steps {run.steps}, envs {run.envs} and episodes {run.episodes} must be at least 1")
    begin(run, folder)
    if (folder / RESULT).exists():
        return json.loads((folder / RESULT).read_text(encoding="utf-8"))
    env = run.make()
    try:
        model = resume(run.algorithm, env, folder / AGENT, run.seed)
        if not train(run, model, folder, keeping):
            return []
    finally:
        env.close()
    records = [described(run, examine(run, model, keeping.progress)), described(run, random(run), "random hand")]
    records[0]["steps"] = model.num_timesteps
    whole.write(folder / CURVE, drawn(lambda: learning_curve(folder, records)))
    whole.write(folder / RESULT, json.dumps(records, indent=2) + "\n")
    return records


def begin(run: AgentRun, folder: Path) -> None:
    """Makes the folder and its run.json, or checks that the folder is this run's."""
    path = folder / RUN
    wanted = {"run": to_json(run), "algorithm": to_json(run.algorithm)}
    if path.exists() and any((folder / name).exists() for name in (AGENT, RESULT)):
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError(f"it holds {type(found).__name__}, not an object")
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}. Choose another folder") from error
        differing = [
            f"{name} was {found.get(part, {}).get(name)!r}, now {value!r}"
            for part, values in wanted.items()
            for name, value in values.items()
            if found.get(part, {}).get(name) != value
        ]
        if differing:
            raise ValueError(
                f"{folder} holds another run: {'; '.join(differing)}. Use the same settings, or another folder"
            )
        return
    if not path.exists():
        whole.refuse_foreign(folder, f"holds no run ({RUN})")
    folder.mkdir(parents=True, exist_ok=True)
    whole.write(path, json.dumps({**wanted, **provenance()}, indent=2) + "\n")


def train(run: AgentRun, model: PPO, folder: Path, keeping: Keeping) -> bool:
    """Learns and writes the journal; False where it paused before the end. Raises KeyboardInterrupt where SIGTERM or Ctrl-C
    ended it, after a save too."""
    project, settings = ("objrep-gym" if keeping.wandb else None), to_json(run)
    seconds = None if keeping.minutes is None else 60 * keeping.minutes
    saved = began = time.monotonic()
    with (
        Journal(folder, after=model.num_timesteps, wandb=project, settings=settings) as journal,
        watching(f"learn {run.env}", run.steps, keeping.progress) as show,
        stopping() as stop,
    ):
        for now in learn(model, run.algorithm, run.steps, seconds):
            journal.write(step=now.step, **now.record())
            show(now.step, told(now, run.steps))
            paused = keeping.pause is not None and time.monotonic() - began > 60 * keeping.pause and now.step < run.steps
            if stop.is_set() or paused or time.monotonic() - saved > SAVE_SECONDS:
                save(model, folder / AGENT)
                saved = time.monotonic()
            if stop.is_set():
                raise KeyboardInterrupt
            if paused:
                return False
    save(model, folder / AGENT)
    return True


def told(now: Learned, steps: int) -> str:
    """`412 steps/s  0:03:12 left  success .62`."""
    success = f"  success {now.successes.mean():.2f} of {len(now.successes)} episodes" if len(now.successes) else ""
    return f"{now.rate:.0f} steps/s  {left(max(steps - now.step, 0) / now.rate)}{success}"


def examine(run: AgentRun, model: PPO, progress: bool) -> Evaluation:
    """The agent's episodes on fresh scenes. It acts as it learned to, by drawing from its policy: the likeliest action
    alone can walk to and fro between two places for ever."""
    env = run.make()
    model.set_random_seed(run.seed + EXAM)  # the same draws, whether it was trained now or found
    with watching("evaluate", run.episodes, progress) as show:
        try:
            act = lambda seen: model.predict(seen, deterministic=False)[0]  # noqa: E731
            return evaluate(act, env, run.episodes, run.seed + EXAM, lambda done: show(done, "episodes"))
        finally:
            env.close()


def random(run: AgentRun) -> Evaluation:
    """A random hand's episodes on the same scenes; where there are true factors nothing need be drawn or encoded."""
    env = run.make("oracle" if "game" in gym.spec(run.env).kwargs else "pixels")
    try:
        hand = RandomHand(env.action_space, run.seed)
        return evaluate(lambda seen: hand.predict(seen)[0], env, run.episodes, run.seed + EXAM)
    finally:
        env.close()


def privileged(run: AgentRun) -> dict[str, Any]:
    """A record of the hand that knows where everything is, on the same scenes: what could be reached at most."""
    env = run.make("oracle")
    try:
        bare: Any = env.env.unwrapped
        hand = knowing(bare)
        found = evaluate(lambda seen: hand.predict(seen)[0], env, run.episodes, run.seed + EXAM)
        return described(run, found, "privileged hand")
    finally:
        env.close()


def described(run: AgentRun, found: Evaluation, name: str | None = None) -> dict[str, Any]:
    """A record of an evaluation: who, where, and its figures with the bounds of their 95 % intervals."""
    who = name or f"PPO, {run.encoder}, {run.algorithm.extractor}"
    return {"agent": who, "env": run.env, "encoder": None if name else run.encoder, "seed": run.seed, **found.record()}


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `perform`, for people."""
    rows = {
        record["agent"]: {
            "success": Interval(record["success"], record["success_low"], record["success_high"]),
            "return": Interval(record["return"], record["return_low"], record["return_high"]),
            "length": record["length"],
            "episodes": record["episodes"],
        }
        for record in records
    }
    notes = (
        "Success with Wilson's interval, return with a bootstrap interval, both 95 %; scenes that were not learned on.",
    )
    return Table(str(records[0]["env"]), COLUMNS, rows, notes=notes, first="agent")


def learning_curve(folder: Path, records: list[dict[str, Any]]) -> Any:
    """Success while learning beside a random hand's."""
    steps, mean, seen = success_while_learning(folder)
    error = 1.96 * np.sqrt(np.clip(mean * (1 - mean), 0, None) / np.maximum(seen, 1))
    learned = Curve(steps, mean, np.clip(mean - error, 0, 1), np.clip(mean + error, 0, 1))
    chance = {r["agent"]: Level(r["success"], r["success_low"], r["success_high"]) for r in records[1:]}
    return curves({records[0]["encoder"]: learned}, "environment steps", "success", chance, rate=True)


def success_while_learning(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Environment steps, the rate of success over some `SMOOTHED` episodes, and how many those were; (N,) each."""
    lines = [line for line in read(folder / JOURNAL) if "episodes" in line]
    counts = np.array([line["episodes"] for line in lines])
    values = np.array([line.get("success", np.nan) for line in lines], float)
    window = max(1, round(SMOOTHED / max(counts.mean(), 1)))
    steps, seen = np.array([line["step"] for line in lines]), np.minimum(np.cumsum(counts), window * counts.mean())
    return steps, smooth(values, counts, window), seen
