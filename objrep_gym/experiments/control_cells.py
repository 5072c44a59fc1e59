"""Agents of a control table as cells: what each row came to over its seeds, on the axes, and in its encoder."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from objrep_gym.experiments.agent_exam import rate
from objrep_gym.experiments.ways import BLOCKED, FREE
from objrep_gym.figures.tables import NOTHING, Cell, Column
from objrep_gym.metrics.intervals import Interval, nested_bootstrap, wilson

COLUMNS = {
    "success": Column("success", "rate", "high"),
    "seeds": Column("each seed", "text"),
    "mastered": Column("steps to 80 %", "text"),
    "length": Column("steps of an episode", "number"),
    "learned": Column("agents × steps of learning", "text"),
    "random": Column("random hand", "rate"),
    "privileged": Column("privileged hand", "rate"),
}
WAYS = {
    FREE: Column("way free", "rate", "high"),
    BLOCKED: Column("something in the way", "rate", "high"),
    "share": Column("of all episodes", "rate"),
}
ENCODED = ("ari/first", "ari", "mse/first", "mse")
ENCODERS = {
    "steps": Column("steps of its training", "text"),
    "ari0": Column("ARI-FG at first", "rate", "high"),
    "ari": Column("at last", "rate", "high"),
    "mse0": Column("MSE at first ×10⁻³", "number"),
    "mse": Column("at last", "number", "low"),
}


def rates(records: list[dict[str, Any]]) -> list[float]:
    """Success of each agent that is finished."""
    return [record["success"] for record in records if record["success"] is not None]


def cells(records: list[dict[str, Any]]) -> dict[str, Cell]:
    """One row's cells."""
    done = [record for record in records if record["success"] is not None]
    row: dict[str, Cell] = {"learned": learned(records)}
    if not done:
        return row
    return row | {
        "success": over_seeds(done),
        "seeds": "  ".join(f"{100 * rate:.1f}" for rate in rates(done)) if len(done) > 1 else None,
        "mastered": "  ".join(NOTHING if r["mastered"] is None else f"{r['mastered']:,}" for r in done),
        "length": float(np.mean([record["length"] for record in done])),
        "random": rate(done[0]["random"]),
        "privileged": rate(done[0]["privileged"]),
    }


def learned(records: list[dict[str, Any]]) -> str:
    """How many agents have learned for how long, and how far others are: `2 × 100,352, 2,048 of 100,000`."""
    done = [f"{record['steps']:,}" for record in records if record["success"] is not None]
    going = [f"{r['steps']:,} of {r['of']:,}" for r in records if r["success"] is None and r["steps"]]
    return ", ".join([*([f"{len(done)} × {done[0]}"] if done else []), *going]) or NOTHING


def encoder_cells(records: list[dict[str, Any]]) -> dict[str, Cell]:
    """One row's cells: encoders before they learned and after, the mean over seeds."""
    done = [record for record in records if record["success"] is not None]
    mean = {name: float(np.mean([record[f"encoder/{name}"] for record in done])) for name in ENCODED}
    return {
        "steps": f"{done[0]['encoder/steps']:,.0f}",
        "ari0": mean["ari/first"],
        "ari": mean["ari"],
        "mse0": 1e3 * mean["mse/first"],
        "mse": 1e3 * mean["mse"],
    }


def way_cells(records: list[dict[str, Any]]) -> dict[str, Cell]:
    """One row's cells: success by whether something stood between hand and goal, and how often it did; none where nobody
    looked."""
    found = [record["ways"] for record in records if record.get("ways")]
    counts = {name: [(won, played) for won, played in (ways[name] for ways in found) if played] for name in (FREE, BLOCKED)}
    rates = {name: by_seeds(seen) for name, seen in counts.items() if seen}
    episodes = {name: sum(played for _, played in seen) for name, seen in counts.items()}
    return {**rates, "share": episodes[BLOCKED] / sum(episodes.values())} if rates else {}


def axis_cells(records: list[dict[str, Any]], axes: Sequence[str]) -> dict[str, Cell]:
    """One row's cells: success as it was learned, and on each axis that its agents can be put to."""
    done = [record for record in records if record["success"] is not None]
    there = {axis: [record["axes"][axis] for record in done if axis in record["axes"]] for axis in axes}
    return {"": over_seeds(done), **{axis: over_seeds(found) for axis, found in there.items() if found}}


def over_seeds(records: list[dict[str, Any]]) -> Interval:
    """Mean success with its interval; of one seed, Wilson's."""
    if len(records) == 1:
        return rate(records[0])
    return by_seeds([(round(r["success"] * r["episodes"]), r["episodes"]) for r in records])


def by_seeds(counts: list[tuple[int, int]]) -> Interval:
    """A rate over agents' successes and episodes; of one agent with Wilson's interval."""
    return wilson(*counts[0]) if len(counts) == 1 else nested_bootstrap(counts)


def words(axis: str) -> str:
    """`MoreObjects` as it is read."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", axis).lower() or "as learned"
