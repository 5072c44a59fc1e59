"""Run: one training, from config and data to a run directory; and `perform`, which makes or continues it."""

import json
import os
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from objrep_gym import weights
from objrep_gym.configs import from_json, to_json
from objrep_gym.data import open_source, whole
from objrep_gym.data.batches import Batches, batches
from objrep_gym.data.watching import Show, left, watching
from objrep_gym.experiments.provenance import provenance
from objrep_gym.experiments.saved import STATE, alone, read_state, step_of
from objrep_gym.experiments.starting import Found, begin_with, find
from objrep_gym.journal import Journal
from objrep_gym.models import MODELS
from objrep_gym.models.base import Config, SlotModule
from objrep_gym.processes import agreed, leads, own_device, stopping
from objrep_gym.seeds import restore_random_state, seed_everything
from objrep_gym.training import Precision, Progress, Stage, fit

RUN = "run.json"
PROCESS_STRIDE = 1_000_003  # between the seeds of processes that train together
HARMLESS = ("save", "report")  # fields that may change between two calls: the weights do not depend on them
SAVE_SECONDS = 300.0  # a slow run saves at least this often


@dataclass(frozen=True)
class Start:
    """What a training begins with; all the tensors that it takes must be there and fit."""

    weights: "str | Run"
    """A run directory, a published name, `hf:org/name`, or the file of a ResNet's state dict; or the run that makes them,
    which `experiments.trained` performs first."""
    takes: tuple[str, ...] = ("*",)
    """Patterns of the trained model's tensors that are taken over: `*trunk.*` is a trunk with its batch statistics."""


@dataclass(frozen=True)
class Run:
    """One training, complete: the same Run gives the same weights."""

    model: Config
    """Which model, with its numbers."""
    data: tuple[str, ...] = ("objects-room",)
    """Data sources, mixed evenly: `objects-room:variant=reach,size=32`, or folders of shards."""
    stages: tuple[Stage, ...] = (Stage(100_000),)
    """What is trained, in order."""
    batch: int = 64
    """Images per step."""
    seed: int = 0
    """Of the weights, the scenes and their order."""
    precision: Precision = "float32"
    """bf16 computes in half the bits, and keeps the weights in float32."""
    start: Start | None = None
    """Weights that it begins with, such as a trunk's, in the place of those that its seed draws."""
    save: int = 1000
    """Steps between saves; a slow run saves every five minutes too."""
    report: int = 25
    """Steps between lines of the journal."""

    def check(self) -> None:
        """Raises ValueError on numbers below one."""
        if min(self.batch, self.save, self.report, *(stage.steps for stage in self.stages)) < 1:
            raise ValueError("batch, save, report and the steps of every stage must be at least 1")


@dataclass(frozen=True)
class Performed:
    """How far a run came: its folder, optimiser steps in all and planned, whether it is finished, its last losses, and
    whether SIGTERM or Ctrl-C ended it."""

    folder: Path
    step: int
    steps: int
    finished: bool
    losses: dict[str, float]
    stopped: bool = False


def perform(
    run: Run,
    folder: Path | str,
    *,
    minutes: float | None = None,
    progress: bool = True,
    wandb: str | None = None,
    source: Path | None = None,
) -> Performed:
    """Train what `run` says in `folder`, or go on where that was left; returns when finished or out of `minutes`.

    Killed at any moment and performed again, it continues from the last save to the weights of an uninterrupted run.
    SIGTERM and Ctrl-C save first. `wandb`: a project that gets the journal's lines too. `source`: where the run lies that
    this one starts from. Started by `accelerate launch`, the processes share each step and the first one writes. Raises
    ValueError if `folder` holds another run, or something else, and `saved.Busy` while another process trains there.
    """
    folder = Path(folder)
    run.check()
    given = None if (folder / STATE).exists() else start_of(run, source)
    with alone(folder) if leads() else nullcontext():
        if leads():
            begin(run, folder, given)
            whole.sweep(folder)
        state = read_state(folder)
        model = ready(run, state, given)
        journal = Journal(folder, state.get("step", 0), wandb, to_json(run)) if leads() else None
        with (
            stopping() as stop,
            watching(folder.name, total(run), progress and leads()) as show,
            closing(journal) if journal else nullcontext(),
        ):
            deadline = None if minutes is None else time.monotonic() + 60 * minutes
            performance = Performance(run, folder, model, journal, show)
            done = performance.go(state, lambda: agreed(stop.is_set() or past(deadline)))
            return replace(done, stopped=stop.is_set() and not done.finished)


def ready(run: Run, state: Mapping[str, Any], given: Found | None) -> SlotModule:
    """The model of a run as its last save left it, or as it begins, on this machine's device."""
    seed_everything(run.seed)
    model = run.model.build().to(own_device())
    if state:
        model.load_state_dict(state["model"])
    elif run.start and given:
        begin_with(model, run.start.takes, given)
    return model


class Performance:
    """One call of `perform`: walks through the stages, writes the journal, saves."""

    def __init__(self, run: Run, folder: Path, model: SlotModule, journal: Journal | None, show: Show):
        self.run, self.folder, self.model, self.journal, self.show = run, folder, model, journal, show
        self.before = beginnings(run)

    def go(self, state: dict[str, Any], stop: Callable[[], bool]) -> Performed:
        """Train from `state` on until finished, or saved because `stop` said so."""
        step, losses = state.get("step", 0), {}
        self.saved = time.monotonic()
        with closing(self.records(state)) as records:
            for stage, now in records:
                step, losses = self.before[stage] + now.step, now.losses
                self.note(now, stage, step)
                if stop():
                    self.save(now, stage, step)
                    break
        if self.journal is not None and step > 0 and not losses and step_of(self.folder) < step:  # its last save was torn
            weights.save(self.folder, self.model, self.run.model, step=step)
        return Performed(self.folder, step, self.before[-1], step == self.before[-1], losses)

    def records(self, state: dict[str, Any]) -> Generator[tuple[int, Progress], None, None]:
        """The stages from where `state` left them, each with the data that it shows; yields stage number and Progress."""
        every = {"report": self.run.report, "save": self.run.save}
        for number in range(state.get("stage", 0), len(self.run.stages)):
            stage = self.run.stages[number]
            start = state.get("loop") if number == state.get("stage") else None
            if start and start["step"] >= stage.steps:
                restore_random_state(start["random"], self.model.device)
                continue
            with self.batches(stage, self.before[number] + (start["step"] if start else 0)) as source:
                for now in fit(self.model, source, stage, start=start, precision=self.run.precision, every=every):
                    yield number, now

    def batches(self, stage: Stage, step: int) -> Batches:
        """The stage's data, from the batch that comes next; a function of the run's seed, and of which process this is."""
        shown = [self.run.data[i] for i in stage.shows] if stage.shows else self.run.data
        if "source" in self.model.reads and len(self.run.data) < self.model.slots:
            raise ValueError(
                f"{self.model.slots} members that claim a source each were given {len(self.run.data)}: name one for each, "
                "or set claim to 0"
            )
        seed = self.run.seed + PROCESS_STRIDE * int(os.environ.get("RANK", "0"))
        sources = [open_source(text, seed) for text in shown]
        size = self.model.size[1:]
        for text, source in zip(shown, sources, strict=True):
            if tuple(source.size) != size:
                raise ValueError(f"{text} has images of {tuple(source.size)}, the model takes {size}: choose --model.size")
            self.model.check_about(source.about)
        include = [what for what in self.model.reads if what != "image"]
        made = batches(sources, self.run.batch, seed, step, self.model.device, include)
        return made.coloured(self.model.size[0]).numbered(stage.shows)

    def note(self, now: Progress, stage: int, step: int) -> None:
        """Show a record, write it down where it is due, save where that is due."""
        self.show(step, told(now, self.before[-1] - step))
        if self.journal is None:
            return
        if now.due("report"):
            self.journal.write(step=step, stage=stage, images_per_second=now.rate, time=time.time(), **now.losses)
        if now.due("save") or time.monotonic() - self.saved > SAVE_SECONDS:
            self.save(now, stage, step)

    def save(self, now: Progress, stage: int, step: int) -> None:
        """Write state.pt, which is all that a continuation reads and is there whole or not at all; then the weights."""
        if self.journal is None:
            return
        state = {"step": step, "stage": stage, "loop": now.state(), "model": self.model.state_dict()}
        whole.write(self.folder / STATE, lambda path: torch.save(state, path))
        weights.save(self.folder, self.model, self.run.model, step=step)
        self.saved = time.monotonic()


def start_of(run: Run, source: Path | None) -> Found | None:
    """The tensors that a run starts from, None where its seed draws them. Raises ValueError where they are another run's
    and it is not said where that lies."""
    if run.start is None:
        return None
    if isinstance(run.start.weights, Run) and source is None:
        raise ValueError("this run starts from another one: experiments.trained.trained performs both, in order")
    return find(str(source or run.start.weights))


def begin(run: Run, folder: Path, given: Found | None = None, before: Mapping[str, Any] | None = None) -> None:
    """Make the folder and its run.json, with the digest of the weights that it starts from and with what made, `before`,
    those that it goes on from, or check that the folder is this run's, or a shorter one's that goes on."""
    path = folder / RUN
    if path.exists() and (folder / STATE).exists():  # without a save there is nothing that another run could spoil
        found = read_run(folder)
        if not continues(run, found):
            names = [
                f.name for f in fields(run) if f.name not in HARMLESS and getattr(found, f.name) != getattr(run, f.name)
            ]
            told = "; ".join(f"{name} was {getattr(found, name)}, now {getattr(run, name)}" for name in names)
            raise ValueError(f"{folder} holds another run: {told}. Use the same settings to continue it, or another folder")
        if found == run:
            return
        before = json.loads(path.read_text(encoding="utf-8")).get("before")
    elif not path.exists():
        whole.refuse_foreign(folder, f"holds no run ({RUN})")
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: told for name, told in {"start": given and given.told, "before": before}.items() if told is not None}
    whole.write(path, json.dumps({"run": to_json(run), **kept, **provenance()}, indent=2) + "\n")


def continues(run: Run, found: Run) -> bool:
    """Whether `run` is `found`, or `found` with more steps at the end of it and a learning rate that they do not change."""
    if same(run, found):
        return True
    last, longer = found.stages[-1], run.stages[-1]
    more = last.schedule != "cosine" and longer.steps > last.steps and replace(last, steps=longer.steps) == longer
    return more and same(run, replace(found, stages=run.stages)) and found.stages[:-1] == run.stages[:-1]


def same(run: Run, other: Run) -> bool:
    """Whether two runs give the same weights."""
    return replace(other, **{name: getattr(run, name) for name in HARMLESS}) == run


def read_run(folder: Path | str) -> Run:
    """The Run that a folder was begun with. Raises ValueError naming file and field on a file that says no run."""
    path = Path(folder) / RUN
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return as_run(described["run"] if isinstance(described, dict) and "run" in described else described, path)


def as_run(described: Any, path: Path) -> Run:
    """The Run that stands in a file; fields that are newer than the file have their defaults. Raises ValueError naming file
    and field."""
    try:
        return from_json(described, {Run, Stage, Start, *(type(config) for config in MODELS.values())}, "run")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def beginnings(run: Run) -> list[int]:
    """The step at which each stage begins, and that at which the last ends."""
    return [sum(stage.steps for stage in run.stages[:i]) for i in range(len(run.stages) + 1)]


def total(run: Run) -> int:
    """Optimiser steps of all stages."""
    return sum(stage.steps for stage in run.stages)


def told(now: Progress, remaining: int) -> str:
    """`189 images/s  0:42:10 left  loss 812.3  reconstruction 790.1 …`, if other stages go as fast as this one."""
    seconds = now.eta * remaining / (now.steps - now.step) if now.steps > now.step else 0.0
    losses = "  ".join(f"{name} {value:.4g}" for name, value in now.losses.items())
    return f"{now.rate:.0f} images/s  {left(seconds)}  {losses}"


def past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() > deadline
