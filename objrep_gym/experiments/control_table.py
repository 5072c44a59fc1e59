"""ControlTable: agents by row, some seeds each, how often they succeed beside hands that learn nothing, and how fast they
learned it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym.experiments.agent import AgentRun, Keeping, perform, privileged, success_while_learning
from objrep_gym.experiments.trained import Effort
from objrep_gym.figures.curves import Curve, curves
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.intervals import Interval

COLUMNS = {
    "success": Column("success", "rate", "high"),
    "seeds": Column("each seed", "text"),
    "length": Column("steps of an episode", "number"),
    "steps": Column("steps of learning"),
    "random": Column("random hand", "rate"),
    "privileged": Column("privileged hand", "rate"),
}


@dataclass(frozen=True)
class ControlTable:
    """What is compared: agents in one environment, or in several; hands that learn nothing play what each of them plays."""

    title: str
    rows: Mapping[str, AgentRun]
    """Agents by the name of their row."""
    seeds: int = 3
    """Agents of each row."""
    paper: Mapping[str, str] = field(default_factory=dict)
    """Success in others' tables, by row, as they print it."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "ControlTable":
        """The same with a fraction of the steps, the seeds and the episodes, at least one rollout and one of each."""
        if not 0 < scale <= 1:
            raise ValueError(f"scale {scale} is not in (0, 1]")
        rows = {
            name: dataclasses.replace(
                run, steps=max(1, round(run.steps * scale)), episodes=max(run.envs, round(run.episodes * scale))
            )
            for name, run in self.rows.items()
        }
        return dataclasses.replace(self, rows=rows, seeds=max(1, round(self.seeds * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, below `folder`: a record for each agent, the hands' in it, and the page."""
        records: list[dict[str, Any]] = []
        ceilings: dict[str, dict[str, Any]] = {}
        for row, run in self.rows.items():
            for seed in range(self.seeds):
                agent = dataclasses.replace(run, seed=seed)
                learned, random = perform(agent, place(folder, row, seed), Keeping(progress=effort.progress))
                if run.env not in ceilings:
                    ceilings[run.env] = privileged(agent)
                records.append({"row": row, **learned, "random": random, "privileged": ceilings[run.env]})
        lines = {row: learning(folder, row, self.seeds) for row in self.rows}
        draw = lambda: curves(lines, "environment steps", "success", rate=True)  # noqa: E731
        picture = Picture(both(draw), "Success grows with steps")
        return records, [Section(self.title, [*self.tables(records), picture])]

    def tables(self, records: list[dict[str, Any]]) -> list[Table]:
        """The records, row by row: a mean over seeds with the lowest and the highest; the hands of the first seed."""
        rows = {name: cells([record for record in records if record["row"] == name]) for name in named(records)}
        paper = {name: {"success": said} for name, said in self.paper.items()}
        return [Table(self.title, COLUMNS, rows, paper, self.notes, first="agent")]


def place(folder: Path, row: str, seed: int) -> Path:
    """Where an agent of a row lies."""
    return folder / row.replace(", ", "-").replace(" ", "-") / f"seed{seed}"


def named(records: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(record["row"] for record in records))


def cells(records: list[dict[str, Any]]) -> dict[str, Cell]:
    """One row's cells."""
    rates = [record["success"] for record in records]
    several, first = len(records) > 1, records[0]
    low, high = (min(rates), max(rates)) if several else (first["success_low"], first["success_high"])
    return {
        "success": Interval(float(np.mean(rates)), low, high),
        "seeds": "  ".join(f"{100 * rate:.1f}" for rate in rates) if several else None,
        "length": float(np.mean([record["length"] for record in records])),
        "steps": first["steps"],
        "random": rate(first["random"]),
        "privileged": rate(first["privileged"]),
    }


def rate(record: dict[str, Any]) -> Interval:
    """A hand's rate of success with its interval."""
    return Interval(record["success"], record["success_low"], record["success_high"])


def learning(folder: Path, row: str, seeds: int) -> Curve:
    """Success while learning, the mean over seeds with the lowest and the highest as its band."""
    found = [success_while_learning(place(folder, row, seed)) for seed in range(seeds)]
    length = min(len(steps) for steps, _, _ in found)
    rates = np.stack([rate[:length] for _, rate, _ in found])
    return Curve(found[0][0][:length], rates.mean(0), rates.min(0), rates.max(0))
