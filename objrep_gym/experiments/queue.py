"""A queue: trainings in order of worth, so that whatever hour of a machine turns up goes to the one that gains most.

The file is TOML, a `[[run]]` for each: which row of which experiment, which seed, and the name that its weights are
published under.
"""

import time
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from objrep_gym.configs import from_json
from objrep_gym.data import pieces
from objrep_gym.experiments.export import Exporting, export
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.reproduce import find
from objrep_gym.experiments.trained import ROOT, Effort, standing, trained
from objrep_gym.processes import own_device, using
from objrep_gym.scenes.world import check_name
from objrep_gym.weights import NAME, WEIGHTS

LEAST = 0.5  # minutes that are worth beginning a training


@dataclass(frozen=True)
class Waiting:
    """One training of a queue."""

    experiment: str
    """`monet_rn50/table_5_2`."""
    row: str
    """The row of that table."""
    name: str
    """What its weights are published as, `monet@objects-room`."""
    seed: int = 0
    """Which of the row's models."""
    device: str = ""
    """cpu or cuda: where alone it is worth while; anywhere if none is given."""

    def run(self) -> Run:
        """What is trained. Raises ValueError on an experiment or a row that does not exist."""
        rows: Any = getattr(find(self.experiment), "rows", {})
        check_name(f"row of {self.experiment}", self.row, tuple(rows))
        if not isinstance(rows[self.row], Run):
            raise ValueError(f"{self.experiment}, {self.row} is no training of a model")
        return replace(rows[self.row], seed=self.seed)


@dataclass(frozen=True)
class Queueing:
    """How a queue is worked off."""

    queue: Path
    """The file."""
    minutes: float
    """How long training may take in all."""
    device: str | None = None
    """cpu or cuda; the GPU if there is one."""
    out: Path = Path("runs/published")
    """Folder of the weights, with their cards."""
    runs: Path = ROOT
    """Folder of trained models, which all tables share."""
    count: int = 1000
    """Scenes of each exam in a card."""


def read(path: Path) -> list[Waiting]:
    """The trainings of a queue's file. Raises ValueError naming file and line's field on what is none, or twice there."""
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(listed) != {"run"} or not isinstance(listed["run"], list):
            raise ValueError("a queue is a list of [[run]]")
        found = [
            from_json({"kind": "Waiting", **entry}, {Waiting}, f"run {i + 1}") for i, entry in enumerate(listed["run"])
        ]
        for waiting in found:
            if not NAME.fullmatch(waiting.name) or [other.name for other in found].count(waiting.name) > 1:
                raise ValueError(f"name {waiting.name!r} is none such as monet@objects-room, or stands there twice")
            waiting.run()
    except ValueError as error:  # TOML's errors are ValueErrors
        raise ValueError(f"{path}: {error}") from error
    return found


def work(how: Queueing, progress: bool = True) -> list[tuple[Waiting, Performed]]:
    """Trains the first that is not finished, from where it stands (its run directory, or its weights where only those are
    left), then the next while there are minutes. Each that was trained leaves weights in pieces, a card and its journal in
    `out`; one that waits for the run that it begins from has none yet. Returns what was trained, and how far each came."""
    end, done = time.monotonic() + 60 * how.minutes, []
    with using(how.device):
        for waiting in read(how.queue):
            left = (end - time.monotonic()) / 60
            run = waiting.run()
            if left < LEAST or waiting.device not in ("", own_device().type) or standing(run, how.runs).finished:
                continue
            performed = trained(run, Effort(left, how.runs, progress))
            if performed.step:
                folder = export(performed.folder, how.out / waiting.name, Exporting(count=how.count), progress)
                pieces.cut(folder / WEIGHTS)
            done.append((waiting, performed))
    return done


def told(waiting: Waiting, performed: Performed, out: Path) -> str:
    """How far one came, in a line."""
    if not performed.step:
        return f"{waiting.name}: not begun: the run that it begins from is not finished; the same command goes on"
    return f"{waiting.name}: {performed.step:,} of {performed.steps:,} steps, in {out / waiting.name}"
