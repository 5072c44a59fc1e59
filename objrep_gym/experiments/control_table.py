"""ControlTable: agents by row, some seeds each, how often they succeed beside hands that learn nothing, how fast they
learned it, and how well they do where something is changed that they never saw."""

import dataclasses
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.agents.online import OnlineConfig
from objrep_gym.experiments import online_agent
from objrep_gym.experiments.agent import (
    RESULT,
    SMOOTHED,
    AgentRun,
    Keeping,
    perform,
    privileged,
    success_while_learning,
)
from objrep_gym.experiments.control_cells import (
    COLUMNS,
    ENCODERS,
    WAYS,
    axis_cells,
    cells,
    encoder_cells,
    rates,
    way_cells,
    words,
)
from objrep_gym.experiments.generalising import on_axes
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.known import identity, keep, known, thinned
from objrep_gym.experiments.online_agent import KEEPING, ONLINE, OnlineRun, online_curve, qualities
from objrep_gym.experiments.trained import Effort, scaled, train_all
from objrep_gym.experiments.ways import on_ways
from objrep_gym.figures.curves import Curve, curves
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Column, Table
from objrep_gym.journal import NAME, read
from objrep_gym.models import MODELS

MASTERED = 0.8
SPREAD = (
    "Success: a mean over seeds and episodes with its 95 % bootstrap interval, by seeds and then by episodes of each. "
    "Steps to 80 %: of all environments together, until some 300 episodes in a row, while learning, had that mean."
)
JUDGED = "Encoders are judged on held-out scenes of the environment, those of the agent's seed."
IN_THE_WAY = (
    "The same agents, by whether the straight way from the hand to its goal leads through another object when an episode "
    "begins, which ends it if touched."
)
AXES = "The same agents and encoders as above, examined where something is changed; nothing is learned there."


@dataclass(frozen=True)
class ControlTable:
    """What is compared: agents in one environment, or in several; hands that learn nothing play what each of them plays."""

    title: str
    rows: Mapping[str, AgentRun]
    """Agents by the name of their row."""
    seeds: int = 3
    """Agents of each row."""
    encoders: Mapping[str, Run] = field(default_factory=dict)
    """Rows whose encoder is trained first, or found where it was: it takes the place of the agent's own."""
    online: Mapping[str, OnlineConfig] = field(default_factory=dict)
    """Rows whose encoder learns meanwhile, from the agent's own frames: it takes that place too."""
    axes: tuple[str, ...] = ()
    """Endings of ids in `objrep_gym.AXES`: finished agents are examined there too, as they are."""
    paper: Mapping[str, str] = field(default_factory=dict)
    """Success in others' tables, by row, as they print it."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "ControlTable":
        """The same with a fraction of the steps, the seeds and the episodes, at least one rollout and one of each; below a
        hundredth, its first three rows and one axis, and encoders at toy width."""
        if not 0 < scale <= 1:
            raise ValueError(f"scale {scale} is not in (0, 1]")
        few = scale < 0.01
        rows = {
            name: dataclasses.replace(
                run, steps=max(1, round(run.steps * scale)), episodes=max(run.envs, round(run.episodes * scale))
            )
            for name, run in list(self.rows.items())[: 3 if few else None]
        }
        encoders = {name: scaled(run, scale) for name, run in self.encoders.items() if name in rows}
        online = {name: less_online(config, scale) for name, config in self.online.items() if name in rows}
        less = {"seeds": max(1, round(self.seeds * scale)), "axes": self.axes[: 1 if few else None]}
        return dataclasses.replace(self, rows=rows, encoders=encoders, online=online, **less)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet: agents whose encoder is there, then encoders, then agents that waited for them.
        What has more to learn when the minutes end goes on at the next call."""
        end = None if effort.minutes is None else time.monotonic() + 60 * effort.minutes
        self.learn(folder, effort)
        left = None if end is None else (end - time.monotonic()) / 60
        if left is None or left > 0:
            train_all(list(self.encoders.values()), dataclasses.replace(effort, minutes=left))
            self.learn(folder, dataclasses.replace(effort, minutes=None if end is None else (end - time.monotonic()) / 60))
        records = list(self.records(folder, effort))
        keep(folder, records)
        return records, [Section(self.title, [*self.tables(records), *self.pictures(folder, records)])]

    def learn(self, folder: Path, effort: Effort) -> None:
        """Trains every agent that can learn now, the first seed of all before the second, each for an even share of the
        minutes."""
        end = None if effort.minutes is None else time.monotonic() + 60 * effort.minutes
        agents = {place: self.agent(*place, effort) for place in self.places()}
        done = self.finished(folder)
        waiting = [(*place, run) for place, run in agents.items() if run and place not in done]
        for number, (row, seed, run) in enumerate(waiting):
            left = None if end is None else (end - time.monotonic()) / 60 / (len(waiting) - number)
            if left is None or left > 0:
                self.perform_one(row, run, below(folder, row, seed), Keeping(progress=effort.progress, pause=left))

    def perform_one(self, row: str, run: AgentRun, where: Path, keeping: Keeping = KEEPING) -> list[dict[str, Any]]:
        """An agent, trained and examined or found: its record, and that of a random hand; none where it paused."""
        if row not in self.online:
            return perform(run, where, keeping)
        config = dataclasses.replace(self.online[row], seed=run.seed)
        return online_agent.perform(OnlineRun(run, config, scenes=run.episodes), where, keeping)

    def standing(self, folder: Path) -> Performed:
        """How far all agents together have come, in environment steps."""
        finished, steps = self.finished(folder), {place: self.rows[place[0]].steps for place in self.places()}
        done = [whole if p in finished else min(steps_of(below(folder, *p)), whole) for p, whole in steps.items()]
        return Performed(folder, sum(done), sum(steps.values()), len(finished) == len(steps), {})

    def finished(self, folder: Path) -> set[tuple[str, int]]:
        """The agents whose records are there, or known from elsewhere."""
        elsewhere = known(folder)
        there = lambda place: (below(folder, *place) / RESULT).exists() or self.asked(*place) in elsewhere  # noqa: E731
        return {place for place in self.places() if there(place)}

    def asked(self, row: str, seed: int) -> str:
        """A name for all that an agent depends on, the numbers of its algorithm among it."""
        run = dataclasses.replace(self.rows[row], seed=seed)
        return identity(run, run.algorithm, self.encoders.get(row), self.online.get(row))

    def places(self) -> list[tuple[str, int]]:
        """Every agent: its row and its seed."""
        return [(row, seed) for seed in range(self.seeds) for row in self.rows]

    def agent(self, row: str, seed: int, effort: Effort) -> AgentRun | None:
        """One agent, complete; None where its encoder is not trained to its end."""
        run = dataclasses.replace(self.rows[row], seed=seed)
        if row in self.online:
            return dataclasses.replace(run, encoder=ONLINE)
        if row not in self.encoders:
            return run
        found = effort.found(self.encoders[row])
        if not found.finished:
            return None
        ships = found.folder.parent == weights.PRETRAINED
        return dataclasses.replace(run, encoder=found.folder.name if ships else str(found.folder))

    def records(self, folder: Path, effort: Effort) -> Iterator[dict[str, Any]]:
        """What every agent came to, so far: its own figures, those of hands in its environment, and those on the axes; of
        one that is not finished only how far it is; of one that learned elsewhere what is known."""
        ceilings: dict[str, dict[str, Any]] = {}
        elsewhere = known(folder)
        for row, seed in self.places():
            agent, where = self.agent(row, seed, effort), below(folder, row, seed)
            told = {"row": row, "seed": seed, "of": self.rows[row].steps, "asked": self.asked(row, seed)}
            if told["asked"] in elsewhere and not (where / RESULT).exists():
                yield elsewhere[told["asked"]]
                continue
            if agent is None or not (where / RESULT).exists():
                yield {**told, "steps": steps_of(where), "success": None}
                continue
            learned, random = self.perform_one(row, agent, where)
            if agent.env not in ceilings:
                ceilings[agent.env] = privileged(agent)
            hands = {"random": random, "privileged": ceilings[agent.env]}
            yield {**told, **learned, **hands, **further(agent, where, self.axes, self.online.get(row))}

    def tables(self, records: list[dict[str, Any]]) -> list[Table]:
        """The records of rows that have begun, hands of the first seed; and the same agents on the axes."""
        done = {row: [record for record in records if record["row"] == row] for row in self.rows}
        rows = {row: cells(found) for row, found in done.items() if any(record["steps"] for record in found)}
        paper = {row: {"success": said} for row, said in self.paper.items()}
        tables = [Table(self.title, COLUMNS, rows, paper, (SPREAD, *self.notes), first="agent")]
        taught = {row: encoder_cells(done[row]) for row in self.online if rates(done[row])}
        if taught:
            title = f"{self.title}: what encoders learned meanwhile"
            tables.append(Table(title, ENCODERS, taught, notes=(JUDGED,), first="agent"))
        ways = {row: here for row, found in done.items() if (here := way_cells(found))}
        if ways:
            tables.append(Table(f"{self.title}: what stands in the way", WAYS, ways, notes=(IN_THE_WAY,), first="agent"))
        if self.axes:
            changed = {row: axis_cells(found, self.axes) for row, found in done.items() if rates(found)}
            columns = {axis: Column(words(axis), "rate", "high") for axis in ("", *self.axes)}
            tables.append(Table(f"{self.title}: what was never seen", columns, changed, notes=(AXES,), first="agent"))
        return tables

    def pictures(self, folder: Path, records: list[dict[str, Any]]) -> list[Picture]:
        """Success while learning, a line for each row that has begun; and for each encoder that learned meanwhile, of the
        first seed, how well it takes held-out scenes apart beside that."""
        met = {(record["row"], record["seed"]): np.array(record["curve"]) for record in records if "curve" in record}
        met |= {(row, seed): going(below(folder, row, seed)) for row, seed in self.places() if (row, seed) not in met}
        lines = {row: learning([met[row, seed] for seed in range(self.seeds)]) for row in self.rows}
        taught = {row: where for row in self.online if ((where := below(folder, row, 0)) / RESULT).exists()}
        return shown({row: line for row, line in lines.items() if line is not None}, taught)


def below(folder: Path, row: str, seed: int) -> Path:
    """Where an agent of a row lies."""
    return folder / row.replace(", ", "-").replace(" ", "-") / f"seed{seed}"


def further(run: AgentRun, folder: Path, axes: tuple[str, ...], online: OnlineConfig | None) -> dict[str, Any]:
    """What is told of a finished agent beside its evaluation: how it learned, what an encoder learned meanwhile, and how it
    does by what stands in the way and where something is changed."""
    seen = run if online is None else OnlineRun(run, online).seen(folder)
    taught = {} if online is None else taught_in(folder)
    steps, rate, _ = success_while_learning(folder)
    learned = {"mastered": mastered(folder), "curve": thinned(steps, rate), "ways": on_ways(seen, folder)}
    return {**taught, **learned, "axes": on_axes(seen, folder, axes)}


def taught_in(folder: Path) -> dict[str, Any]:
    """How well an agent's encoder took held-out scenes apart before it learned, and how long it learned."""
    judged = qualities(folder)
    trained = max((line["encoder/steps"] for line in read(folder / NAME) if "encoder/steps" in line), default=0)
    return {"encoder/steps": trained, **{f"{name}/first": judged[0][name] for name in ("encoder/ari", "encoder/mse")}}


def shown(lines: dict[str, Curve], taught: dict[str, Path]) -> list[Picture]:
    """Lines in one picture, if there are any, and one for each folder of `taught`."""
    draw = lambda: curves(lines, "environment steps", "success", scale="rate")  # noqa: E731
    together = [Picture(both(draw), "Success grows with steps")] if lines else []
    beside = [Picture(both(partial(beside_its_encoder, at)), f"Success and ARI: {row}") for row, at in taught.items()]
    return [*together, *beside]


def beside_its_encoder(folder: Path) -> Any:
    """The curves that `online_agent.perform` left in a folder, drawn again."""
    return online_curve(folder, json.loads((folder / RESULT).read_text(encoding="utf-8")))


def less_online(config: OnlineConfig, scale: float) -> OnlineConfig:
    """The same encoder with a fraction of the steps before it begins; below a hundredth at toy width, if begun from
    nothing."""
    fewer = dataclasses.replace(config, begins=round(config.begins * scale), first=round(config.first * scale))
    if scale >= 0.01 or not (isinstance(config.start, str) and config.start in MODELS):
        return fewer
    return dataclasses.replace(fewer, start=MODELS[config.start].tiny(), batch=2, scaled=32, frames=2**20)


def steps_of(folder: Path) -> int:
    """How far an agent has learned."""
    path = folder / NAME
    return max((line["step"] for line in read(path)), default=0) if path.exists() else 0


def mastered(folder: Path) -> int | None:
    """Environment steps until the rate of success over `SMOOTHED` episodes was 80 %; None where it never was."""
    steps, mean, seen = success_while_learning(folder)
    there = np.flatnonzero((mean >= MASTERED) & (seen >= min(SMOOTHED, seen.max(initial=0))))
    return int(steps[there[0]]) if len(there) else None


def going(folder: Path) -> np.ndarray:
    """[step, rate of success] (N, 2) of an agent, as far as it has learned."""
    if not steps_of(folder):
        return np.empty((0, 2))
    steps, rates, _ = success_while_learning(folder)
    return np.array(thinned(steps, rates))


def learning(found: list[np.ndarray]) -> Curve | None:
    """Success while learning, the mean over the seeds that have begun with the lowest and the highest as its band, as far
    as all of those have come; None where none has."""
    begun = [curve for curve in found if len(curve)]
    if not begun:
        return None
    end = min(curve[-1, 0] for curve in begun)
    steps = np.unique(np.concatenate([curve[curve[:, 0] <= end, 0] for curve in begun]))
    success = np.stack([np.interp(steps, curve[:, 0], curve[:, 1]) for curve in begun])
    return Curve(steps, success.mean(0), success.min(0), success.max(0))
