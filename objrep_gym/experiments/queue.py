"""A queue: trainings in order of worth, so that whatever hour of a machine turns up goes to the one that gains most.

The file is TOML, a `[[run]]` for each: which row of which experiment, which seed, and the name that its weights are
published under; or a table of agents as a whole, by its name alone.
"""

import json
import time
import tomllib
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objrep_gym.configs import from_json
from objrep_gym.data import pieces
from objrep_gym.experiments.export import Exporting, export
from objrep_gym.experiments.judging import Refused
from objrep_gym.experiments.kinds import Performed, Run, as_run, same
from objrep_gym.experiments.reproduce import find, leave
from objrep_gym.experiments.saved import Busy, step_of
from objrep_gym.experiments.trained import ROOT, Effort, address, ready, trained
from objrep_gym.processes import own_device, using
from objrep_gym.scenes.world import check_name
from objrep_gym.weights import CONFIG, NAME, WEIGHTS

if TYPE_CHECKING:
    from objrep_gym.experiments.control_table import ControlTable

PACKAGED = Path(__file__).with_name("queue.toml")  # the trainings that this package waits for
LEARNS = find_spec("stable_baselines3") is not None  # a machine that trains encoders may not have it
LEAST = 0.5  # minutes that are worth beginning a training


@dataclass(frozen=True)
class Waiting:
    """One training of a queue."""

    experiment: str
    """`monet_rn50/table_5_2`."""
    row: str = ""
    """The row of that table; all of it, if none is given, of a table of agents."""
    name: str = ""
    """What its weights are published as, `monet@objects-room`; agents have none."""
    seed: int = 0
    """Which of the row's models."""
    device: str = ""
    """cpu or cuda: where alone it is worth while; anywhere if none is given."""
    exams: tuple[str, ...] = ()
    """Data that its weights are judged on (`export.Exporting.exams`)."""

    def run(self) -> Run:
        """What is trained. Raises ValueError on an experiment or a row that does not exist."""
        rows: Any = getattr(find(self.experiment), "rows", {})
        check_name(f"row of {self.experiment}", self.row, tuple(rows))
        if not isinstance(rows[self.row], Run):
            raise ValueError(f"{self.experiment}, {self.row} is no training of a model")
        return replace(rows[self.row], seed=self.seed)

    def table(self) -> "ControlTable":
        """The table of agents that is meant as a whole. Raises ValueError where the experiment is no such table."""
        from objrep_gym.experiments.control_table import ControlTable  # stable-baselines3, which a training does without

        found = find(self.experiment)
        if not isinstance(found, ControlTable):
            raise ValueError(f"{self.experiment} is no table of agents: name the row that is to be trained")
        return found

    def check(self) -> None:
        """Raises ValueError on an experiment, a row or a name that does not exist, or does not belong there; where agents
        cannot learn, nothing of theirs is looked at."""
        if self.row:
            self.run()
        elif LEARNS:
            self.table()
        if bool(self.row) != bool(NAME.fullmatch(self.name)):
            raise ValueError(
                f"name {self.name!r} is none such as monet@objects-room" if self.row else "agents have no name"
            )


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
    tables: Path = Path("runs")
    """Folder of the tables of agents, as `reproduce` lays them."""


def read(path: Path) -> list[Waiting]:
    """The trainings of a queue's file. Raises ValueError naming file and line's field on what is none, or twice there."""
    try:
        listed = tomllib.loads(path.read_text(encoding="utf-8"))
        if set(listed) != {"run"} or not isinstance(listed["run"], list):
            raise ValueError("a queue is a list of [[run]]")
        if not all(isinstance(entry, dict) for entry in listed["run"]):
            raise ValueError("a queue is a list of [[run]], each with its fields")
        found = [
            from_json({"kind": "Waiting", **entry}, {Waiting}, f"run {i + 1}") for i, entry in enumerate(listed["run"])
        ]
        names = [waiting.name or waiting.experiment for waiting in found]
        for waiting, name in zip(found, names, strict=True):
            waiting.check()
            if names.count(name) > 1:
                raise ValueError(f"{name} stands there twice")
    except ValueError as error:  # TOML's errors are ValueErrors
        raise ValueError(f"{path}: {error}") from error
    return found


def work(how: Queueing, progress: bool = True) -> list[tuple[Waiting, Performed]]:
    """Trains the first that is not finished, from where it stands (its run directory, or its weights where only those are
    left), then the next while there are minutes. Each that was trained leaves weights in pieces, a card and its journal in
    `out`, and so does one that was finished elsewhere, or whose export was cut off; one that waits for the run that it
    begins from has none yet. Returns what was trained or exported, and how far each came."""
    end, done = time.monotonic() + 60 * how.minutes, []
    with using(how.device):
        for waiting in read(how.queue):
            left = (end - time.monotonic()) / 60
            if not (waiting.row or LEARNS) or left < LEAST or waiting.device not in ("", own_device().type):
                continue
            effort = Effort(left, how.runs, progress)
            performed = train(waiting, how, effort) if waiting.row else learn(waiting, how, effort)
            if performed is not None:
                done.append((waiting, performed))
    return done


def train(waiting: Waiting, how: Queueing, effort: Effort) -> Performed | None:
    """One training, and its weights; None where both were there before, where it waits for what it begins from or learns
    on, or is trained by another process, and where its weights are refused, which is told: the next of the queue begins."""
    run, out = waiting.run(), how.out / waiting.name
    found = effort.found(run)
    ships = found.folder != effort.root / address(run)
    if (found.finished and (ships or holds(out, run, found.step))) or not ready(run, effort):
        return None
    try:
        performed = trained(run, effort)
        if performed.step:
            exporting = Exporting(exams=waiting.exams, count=how.count)
            pieces.cut(export(performed.folder, out, exporting, effort.progress) / WEIGHTS)
    except (Busy, Refused) as error:
        print(f"{waiting.name} is left for later: {error}")
        return None
    return performed


def holds(out: Path, run: Run, step: int) -> bool:
    """Whether a folder has the weights of a run at a step, exported to the end."""
    if step_of(out) != step:
        return False
    described = json.loads((out / CONFIG).read_text(encoding="utf-8"))
    return "replaces" not in described and "run" in described and same(run, as_run(described["run"], out / CONFIG))


def learn(waiting: Waiting, how: Queueing, effort: Effort) -> Performed | None:
    """A table's agents, and its page; None where all were finished before."""
    table, folder = waiting.table(), how.tables / waiting.experiment
    if table.standing(folder).finished:
        return None
    leave(table, folder, effort, f"objrep-gym reproduce {waiting.experiment} --out {folder}")
    return table.standing(folder)


def told(waiting: Waiting, performed: Performed, out: Path) -> str:
    """How far one came, in a line."""
    if not waiting.row:
        return f"{waiting.experiment}: {performed.step:,} of {performed.steps:,} steps of agents, in {performed.folder}"
    if not performed.step:
        return f"{waiting.name}: not begun: the run that it begins from is not finished; the same command goes on"
    return f"{waiting.name}: {performed.step:,} of {performed.steps:,} steps, in {out / waiting.name}"
