"""What agents of a table came to on another machine: a file of records beside the runs, by what exactly was asked for, so
that nothing is learned twice where only the figures are left of it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym.configs import to_json
from objrep_gym.data import whole

KNOWN = "agents.json"
POINTS = 100  # of a learning curve, which a picture can tell apart


def identity(*asked: Any) -> str:
    """A name for what was asked for: configs, or nothing, in their order."""
    told = json.dumps([to_json(config) if config is not None else None for config in asked], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def known(folder: Path) -> dict[str, dict[str, Any]]:
    """Records by their identity; none where there is no file. Raises ValueError on a damaged one."""
    path = folder / KNOWN
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {record["asked"]: record for record in found}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. Delete it; its agents then learn again") from error


def keep(folder: Path, records: Sequence[dict[str, Any]]) -> None:
    """Writes the records of finished agents, each on a line, beside those that are there."""
    both = known(folder) | {record["asked"]: record for record in records if record["success"] is not None}
    if both:
        folder.mkdir(parents=True, exist_ok=True)
        lines = ",\n".join(json.dumps(record) for record in both.values())
        whole.write(folder / KNOWN, f"[\n{lines}\n]\n")


def thinned(steps: np.ndarray, rates: np.ndarray) -> list[list[int | float]]:
    """[step, rate] of a learning curve, at `POINTS` places at most."""
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(POINTS, len(steps))).round().astype(int))
    return [[int(steps[i]), round(float(rates[i]), 3)] for i in chosen]
