"""Trained models by address: found below a folder, or trained there. The same Run lies at the same place whichever table
asks for it, so that none trains again what another has trained."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data import at_size, parse, whole
from objrep_gym.data.published import Divided
from objrep_gym.experiments.kinds import HARMLESS, Performed, Run, as_run, begin, beginnings, perform, same, total
from objrep_gym.experiments.saved import STATE, alone, step_of
from objrep_gym.experiments.starting import find
from objrep_gym.journal import NAME
from objrep_gym.models import preset_of

ROOT = Path("runs/trained")


@dataclass(frozen=True)
class Effort:
    """How long a call may train, where its models lie, and whether it tells how far it is."""

    minutes: float | None = None
    """Training in all, shared evenly by the models that are not finished; None trains to the end."""
    root: Path = ROOT
    """Folder of trained models, which all tables share."""
    progress: bool = True
    anew: bool = False
    """Leave out the weights that ship: what made them is trained once more, in `root`."""

    def found(self, run: Run) -> Performed:
        """How far a run has come, as this call looks for it."""
        return standing(run, self.root, self.anew)


def identity(run: Run) -> str:
    """Eight hexadecimal digits of all that a run's weights depend on but its seed."""
    plain = Run(run.model)
    described = to_json(replace(run, seed=0, **{name: getattr(plain, name) for name in HARMLESS}))
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:8]


def address(run: Run) -> str:
    """Where a run lies below the root: `monet-objects-room/1f2e3d4c/seed0`."""
    data = "+".join(dict.fromkeys(Path(text.partition(":")[0]).name for text in run.data))
    return f"{preset_of(run.model)}-{data}/{identity(run)}/seed{run.seed}"


def standing(run: Run, root: Path, anew: bool = False) -> Performed:
    """How far a run has come: in its own folder, or, but where it is made `anew`, in weights that ship with the package."""
    folder = root / address(run)
    for found in (folder, *(() if anew else shipped(run))):
        if (found / weights.CONFIG).exists() and weights.held(found / weights.WEIGHTS):
            step = step_of(found)
            return Performed(found, step, total(run), step >= total(run), {})
    return Performed(folder, 0, total(run), False, {})


def shipped(run: Run) -> list[Path]:
    """Folders of `pretrained/` whose weights this run made. Runs are compared field by field, so that one that was made
    before a field was added is still known."""
    found = []
    for path in sorted(weights.PRETRAINED.glob(f"*/{weights.CONFIG}")):
        made = json.loads(path.read_text(encoding="utf-8")).get("run")
        if made is not None and same(run, as_run(made, path)):
            found.append(path.parent)
    return found


def trained(run: Run, effort: Effort) -> Performed:
    """One run, trained or continued for as long as `effort` allows. Where only its weights are left, in its folder or as
    they ship, it goes on from there: the optimiser starts anew, and gently. A run that it starts from is finished first, in
    the same time. Raises KeyboardInterrupt after the save where SIGTERM or Ctrl-C ended it: the next of several is not to
    begin. Raises `saved.Busy` while another process trains it."""
    found, folder = effort.found(run), effort.root / address(run)
    if found.finished:
        return found
    if found.folder != folder or (found.step and not (folder / STATE).exists()):
        with alone(folder):
            revive(run, found, folder)
    began, source = time.monotonic(), None
    if not (folder / STATE).exists() and run.start is not None and isinstance(run.start.weights, Run):
        before = trained(run.start.weights, effort)
        if not before.finished:
            return found
        source = before.folder
    minutes = None if effort.minutes is None else max(0.0, effort.minutes - (time.monotonic() - began) / 60)
    done = perform(run, folder, minutes=minutes, progress=effort.progress, source=source)
    if done.stopped:
        raise KeyboardInterrupt
    return done


def revive(run: Run, found: Performed, folder: Path) -> None:
    """A run directory from weights alone: those that it holds itself, or those that ship, whose journal goes on there and
    whose hours and machine run.json keeps, as `before`."""
    before = beginnings(run)
    stage = max(i for i in range(len(run.stages)) if before[i] <= found.step)
    if found.folder != folder:
        made = json.loads((found.folder / weights.CONFIG).read_text(encoding="utf-8")).get("made")
        begin(run, folder, before=made and {**made, "step": found.step})
        if (found.folder / NAME).exists():
            whole.write(folder / NAME, (found.folder / NAME).read_bytes())
    state = {"step": found.step, "stage": stage, "loop": {"step": found.step - before[stage]}}
    state["model"] = weights.load(found.folder).state_dict()
    whole.write(folder / STATE, lambda path: torch.save(state, path))


def progress(run: Run, found: Performed) -> dict[str, int]:
    """How far a run has come, in a record: `step`, `steps`, `images`."""
    return {"step": found.step, "steps": found.steps, "images": found.step * run.batch}


def in_words(record: Mapping[str, Any]) -> str:
    """The same, in a cell of a table."""
    return f"{record['step']:,} of {record['steps']:,} steps, {record['images']:,} images"


def train_all(runs: Sequence[Run], effort: Effort) -> list[Performed]:
    """Every run, the first seed of all before the second; where minutes are given, those of one seed share them evenly."""
    end = None if effort.minutes is None else time.monotonic() + 60 * effort.minutes
    for seed in sorted({run.seed for run in runs}):
        waiting = [run for run in runs if run.seed == seed and not effort.found(run).finished]
        for number, run in enumerate(waiting):
            left = None if end is None else (end - time.monotonic()) / 60 / (len(waiting) - number)
            if (left is None or left > 0) and ready(run, effort):
                trained(run, replace(effort, minutes=left))
    return [effort.found(run) for run in runs]


def ready(run: Run, effort: Effort) -> bool:
    """Whether the data is there that others published, and the weights that a run begins with, or another run's, which is
    trained first; told where they are not, and the run waits for them."""
    absent = [told for one in map(parse, run.data) if isinstance(one, Divided) and (told := one.missing())]
    if absent:
        if effort.progress:
            print(f"{address(run)} waits: {absent[0]}")
        return False
    if run.start is None or isinstance(run.start.weights, Run) or effort.found(run).step > 0:
        return True
    try:
        find(run.start.weights)
    except weights.WeightsError as error:
        if effort.progress:
            print(f"{address(run)} waits: {error}")
        return False
    return True


def scaled(run: Run, scale: float) -> Run:
    """A fraction of a run: of its steps and its batch; below a hundredth, the model at toy width on images of its size."""
    if not 0 < scale <= 1:
        raise ValueError(f"scale {scale} is not in (0, 1]")
    stages = tuple(replace(stage, steps=max(1, round(stage.steps * scale))) for stage in run.stages)
    start = None  # published weights fit the model at its own width alone
    if run.start is not None and (scale >= 0.01 or isinstance(run.start.weights, Run)):
        before = run.start.weights
        start = replace(run.start, weights=scaled(before, scale) if isinstance(before, Run) else before)
    smaller = replace(run, start=start, stages=stages, batch=max(2, round(run.batch * scale**0.5)))
    if scale >= 0.01:
        return smaller
    model: Any = run.model.tiny()
    short = tuple(replace(stage, steps=min(stage.steps, 2), warmup=0) for stage in stages)
    data = tuple(at_size(text, model.size[0]) for text in run.data)
    return replace(smaller, model=model, data=data, stages=short, batch=2)
