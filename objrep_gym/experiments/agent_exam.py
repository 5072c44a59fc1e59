"""How an agent is examined: its episodes, those of hands that learn nothing, and its table and learning curve."""

from pathlib import Path
from typing import Any

import numpy as np
from stable_baselines3.common.base_class import BaseAlgorithm

from objrep_gym.agents.checkpoint import hand_over
from objrep_gym.agents.evaluate import Acting, Evaluation, evaluate
from objrep_gym.agents.scripted import RandomHand, knowing
from objrep_gym.data.watching import watching
from objrep_gym.experiments.agent_run import AgentRun
from objrep_gym.figures.curves import Curve, Level, curves, smooth
from objrep_gym.figures.tables import Column, Table
from objrep_gym.journal import NAME, read
from objrep_gym.metrics.intervals import Interval
from objrep_gym.seeds import first_scene

EXAM = 1_000_000  # added to a seed: no scene of the evaluation was learned on
SMOOTHED = 300  # episodes that a point of a learning curve is the mean of
COLUMNS = {
    "success": Column("success", "rate", "high"),
    "return": Column("return", "number", digits=2),
    "length": Column("steps", "number"),
    "episodes": Column("episodes"),
}


def exam_scene(run: AgentRun) -> int:
    """The seed of the first of the environments that an agent, and a hand in its place, is examined in."""
    return first_scene(run.seed) + EXAM


def acting(run: AgentRun, model: BaseAlgorithm, seed: int) -> Acting:
    """The agent as it is evaluated: as it acted when it ended learning, by drawing from its policy. The likeliest action
    alone can walk to and fro between two places for ever."""
    model.set_random_seed(seed)  # the same draws, whether it was trained now or found
    run.algorithm.tune(model, 1.0)
    return Acting(model)


def examine(run: AgentRun, model: BaseAlgorithm, progress: bool) -> Evaluation:
    """The agent's episodes on fresh scenes."""
    env = run.make()
    with watching("evaluate", run.episodes, progress) as show:
        try:
            act = acting(run, model, run.seed + EXAM)
            hand_over(model, env)
            return evaluate(act, env, run.episodes, exam_scene(run), lambda done: show(done, "episodes"))
        finally:
            env.close()


def random(run: AgentRun) -> Evaluation:
    """A random hand's episodes on the same scenes; where there are true factors nothing need be drawn or encoded."""
    env = run.make("oracle" if run.ours else "pixels")
    try:
        hand = RandomHand(env.action_space, run.seed)
        return evaluate(lambda seen: hand.predict(seen)[0], env, run.episodes, exam_scene(run))
    finally:
        env.close()


def privileged(run: AgentRun) -> dict[str, Any]:
    """A record of the hand that knows where everything is, on the same scenes: what could be reached at most."""
    env = run.make("oracle")
    try:
        bare: Any = env.env.unwrapped
        hand = knowing(bare)
        found = evaluate(lambda seen: hand.predict(seen)[0], env, run.episodes, exam_scene(run))
        return described(run, found, "privileged hand")
    finally:
        env.close()


def described(run: AgentRun, found: Evaluation, name: str | None = None) -> dict[str, Any]:
    """A record of an evaluation: who, where, and its figures with the bounds of their 95 % intervals."""
    parts = (run.algorithm.title, run.encoder, run.algorithm.extractor, *run.wrappers)
    who = name or ", ".join(parts)
    return {"agent": who, "env": run.env, "encoder": None if name else run.encoder, "seed": run.seed, **found.record()}


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `perform`, for people."""
    rows = {
        record["agent"]: {
            "success": rate(record),
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


def rate(record: dict[str, Any]) -> Interval:
    """One agent's or hand's rate of success with its interval."""
    return Interval(record["success"], record["success_low"], record["success_high"])


def learning_curve(folder: Path, records: list[dict[str, Any]]) -> Any:
    """Success while learning beside a random hand's."""
    return curves({records[0]["encoder"]: success(folder)}, "environment steps", "success", hands(records), scale="rate")


def success(folder: Path) -> Curve:
    """Success while learning, with 95 % of a rate of as many episodes on either side."""
    steps, mean, seen = success_while_learning(folder)
    error = 1.96 * np.sqrt(np.clip(mean * (1 - mean), 0, None) / np.maximum(seen, 1))
    return Curve(steps, mean, np.clip(mean - error, 0, 1), np.clip(mean + error, 0, 1))


def hands(records: list[dict[str, Any]]) -> dict[str, Level]:
    """What the hands after the first record, which is an agent's, come to."""
    return {str(r["agent"]): Level(r["success"], r["success_low"], r["success_high"]) for r in records[1:]}


def success_while_learning(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Environment steps, the rate of success over some `SMOOTHED` episodes, and how many those were; (N,) each."""
    lines = [line for line in read(folder / NAME) if "episodes" in line]
    counts = np.array([line["episodes"] for line in lines])
    values = np.array([line.get("success", np.nan) for line in lines], float)
    window = max(1, round(SMOOTHED / max(counts.mean(), 1)))
    steps, seen = np.array([line["step"] for line in lines]), np.minimum(np.cumsum(counts), window * counts.mean())
    return steps, smooth(values, counts, window), seen
