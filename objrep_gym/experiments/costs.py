"""What models cost: memory by row and batch (`CostTable`), operations and seconds by the number of slots (`CostCurves`).

Nothing is trained: weights are as they are drawn, images are noise, and neither changes what anything costs.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from objrep_gym.experiments.trained import Effort
from objrep_gym.figures.curves import Curve, curves
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.cost import flops, parameters, peak_bytes, wait
from objrep_gym.models.monet import MONet, MONetConfig
from objrep_gym.processes import own_device
from objrep_gym.training import Loop, Stage
from objrep_gym.types import Scenes

Record = dict[str, Any]
TOY = 0.01  # scale below which models are at toy width
MB = 2**20


@dataclass(frozen=True)
class CostTable:
    """Parameters and peak memory of models, in training and in inference."""

    title: str
    rows: Mapping[str, MONetConfig]
    """Models by the name of their row."""
    batches: tuple[int, ...] = (1, 64)
    """Images at once; a table of each."""
    paper: Mapping[int, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    """A document's own numbers, as it prints them, by batch, row and column."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "CostTable":
        """Smaller batches; below a hundredth, models at toy width."""
        return replace(self, rows=shrunk(self.rows, scale), batches=tuple(fewer(batch, scale) for batch in self.batches))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[Record], list[Section]]:
        """A record of every row and batch: `row, batch, device, attention, parameters, training_mb, inference_mb`."""
        records = [self.record(row, batch) for batch in self.batches for row in self.rows]
        return records, [Section(table.title, [table]) for table in self.tables(records)]

    def record(self, row: str, batch: int) -> Record:
        """One model at one batch."""
        model = self.rows[row].build().to(own_device())
        told: Record = {"row": row, "batch": batch, "device": model.device.type}
        told |= {"attention": parameters(model.attention), "parameters": parameters(model)}
        inference = memory(look(model, batch), model)
        step = Step(model, batch)
        return {**told, "training_mb": memory(step.take, model, step.loop.optimiser), "inference_mb": inference}

    def tables(self, records: list[Record]) -> list[Table]:
        """One for each batch."""
        columns = {
            "attention": Column("parameters of the attention, millions", digits=3),
            "parameters": Column("of the model, millions", digits=3),
            "training_mb": Column("training, MB", best="low", digits=0),
            "inference_mb": Column("inference, MB", best="low", digits=0),
        }
        tables = []
        for batch in dict.fromkeys(record["batch"] for record in records):
            chosen = [record for record in records if record["batch"] == batch]
            rows = {record["row"]: self.cells(record) for record in chosen}
            title = f"{self.title}, {batch} image{'s' if batch > 1 else ''} at once, {chosen[0]['device']}"
            tables.append(Table(title, columns, rows, self.paper.get(batch, {}), self.notes, "model"))
        return tables

    def cells(self, record: Record) -> dict[str, Cell]:
        """One row's cells."""
        counts = {name: record[name] / 1e6 for name in ("attention", "parameters")}
        return {**counts, **{name: record[name] for name in ("training_mb", "inference_mb")}}


@dataclass(frozen=True)
class CostCurves:
    """Operations of a forward pass and seconds of a training step against the number of slots."""

    title: str
    rows: Mapping[str, MONetConfig]
    """Models by the name of their curve; the first is what the others are compared with."""
    slots: tuple[int, ...] = (7, 11, 14, 18)
    batch: int = 64
    """Images of a training step; operations are those of one image."""
    epoch: int = 980_000
    """Images of an epoch, to tell minutes by."""
    rounds: int = 3
    """Steps that each model takes, in turns, after one that is not counted."""
    paper: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """A document's own numbers, as it prints them, by row and column."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the figure."""

    def scaled(self, scale: float) -> "CostCurves":
        """A smaller batch and fewer rounds; below a hundredth, models at toy width and two numbers of slots."""
        few = self.slots[:: len(self.slots) - 1] if scale < TOY and len(self.slots) > 2 else self.slots
        rows, rounds = shrunk(self.rows, scale), max(1, round(self.rounds * scale**0.25))
        return replace(self, rows=rows, slots=few, batch=max(2, fewer(self.batch, scale)), rounds=rounds)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[Record], list[Section]]:
        """A record of every model and number of slots: `row, slots, batch, device, attention_flops, component_flops,
        seconds_per_image, saved`, the last beside the first model of as many slots."""
        records = [record for slots in self.slots for record in self.compared(slots)]
        operations = lambda: curves(self.operations(records), "slots", "GFLOP per image, forward")  # noqa: E731
        seconds = lambda: curves(self.seconds(records), "slots", "ms per image of a training step")  # noqa: E731
        pictures = [
            Picture(both(operations), "Operations against slots", "Of the attentions, and of the component VAE."),
            Picture(both(seconds), "Seconds against slots", f"Steps of {self.batch} images, {records[0]['device']}."),
        ]
        return records, [Section(self.title, [*pictures, *self.tables(records)])]

    def compared(self, slots: int) -> Iterator[Record]:
        """All models at one number of slots; their steps take turns, so that a busy machine is as busy for each."""
        configs = {row: replace(config, slots=slots) for row, config in self.rows.items()}
        steps = {row: Step(config.build().to(own_device()), self.batch) for row, config in configs.items()}
        spent = in_turns({row: step.take for row, step in steps.items()}, self.rounds)
        first = next(iter(spent.values()))
        for row, config in configs.items():
            told: Record = {"row": row, "slots": slots, "batch": self.batch, "device": own_device().type}
            told |= operations(config)
            yield {**told, "seconds_per_image": spent[row] / self.batch, "saved": 1 - spent[row] / first}

    def operations(self, records: Sequence[Record]) -> dict[str, Curve]:
        """GFLOP of each attention, and of the component VAE, which is the same in all."""
        own = {row: self.curve(records, row, "attention_flops", 1e-9) for row in self.rows}
        return {**own, "component VAE": self.curve(records, next(iter(self.rows)), "component_flops", 1e-9)}

    def seconds(self, records: Sequence[Record]) -> dict[str, Curve]:
        return {row: self.curve(records, row, "seconds_per_image", 1e3) for row in self.rows}

    def curve(self, records: Sequence[Record], row: str, name: str, scale: float) -> Curve:
        chosen = [record for record in records if record["row"] == row]
        return Curve(np.array([r["slots"] for r in chosen]), scale * np.array([r[name] for r in chosen]))

    def tables(self, records: list[Record]) -> list[Table]:
        columns = {
            "attention": Column("attention, GFLOP", best="low", digits=2),
            "component": Column("component VAE, GFLOP", digits=2),
            "milliseconds": Column("training, ms per image", digits=1),
            "minutes": Column("minutes per epoch", digits=0),
            "saved": Column("time saved", "rate"),
        }
        rows: dict[str, dict[str, Cell]] = {}
        for record in records:
            rows[f"{record['row']}, {record['slots']} slots"] = {
                "attention": record["attention_flops"] / 1e9,
                "component": record["component_flops"] / 1e9,
                "milliseconds": 1e3 * record["seconds_per_image"],
                "minutes": record["seconds_per_image"] * self.epoch / 60,
                "saved": record["saved"] if record["row"] != next(iter(self.rows)) else None,
            }
        notes = (f"Steps of {self.batch} images, {records[0]['device']}; epochs of {self.epoch:,} images.", *self.notes)
        paper = {row: told for row, told in self.paper.items() if row in rows}
        return [Table(self.title, columns, rows, paper, notes, "model")]


class Step:
    """One of `fit`'s steps with a model, on noise."""

    def __init__(self, model: MONet, batch: int):
        self.loop = Loop(model, Stage(1_000_000), "float32", None)
        self.scenes = Scenes(torch.rand(batch, *model.size, device=model.device))

    def take(self) -> None:
        self.loop.advance(self.scenes)


def look(model: MONet, batch: int) -> Callable[[], None]:
    """Encoding and decoding a batch, without gradients."""
    images = torch.rand(batch, *model.size, device=model.device)

    def work() -> None:
        model.eval()
        with torch.no_grad():
            model.decode(model.encode(images).latents)

    return work


def memory(work: Callable[[], object], model: nn.Module, optimiser: torch.optim.Optimizer | None = None) -> float:
    """Megabytes of weights, of gradients and what the optimiser keeps, and at the peak of `work` beyond them."""
    work()
    work()
    peak = peak_bytes(work)
    held = [*model.parameters(), *model.buffers()]
    if optimiser is not None:
        held += [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        held += [value for state in optimiser.state.values() for value in state.values() if isinstance(value, Tensor)]
    return (peak + sum(tensor.nbytes for tensor in held)) / MB


def operations(config: MONetConfig) -> dict[str, int]:
    """Floating point operations of one image's forward pass, counted without computing: of the attention, and of encoding
    and decoding all slots."""
    with torch.device("meta"):
        model = config.build().eval()
        image = torch.empty(1, *model.size)
        masks = torch.empty(1, config.slots, *config.size)
        latents = torch.empty(1, config.slots, config.latent)
        return {
            "attention_flops": flops(lambda: model.attention(image, config.slots)),
            "component_flops": flops(lambda: model.posterior(image, masks)) + flops(lambda: model.parts(latents)),
        }


def in_turns(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each piece of work."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            wait()
            start = time.perf_counter()
            work()
            wait()
            if turn:
                spent[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in spent.items()}


def shrunk(rows: Mapping[str, MONetConfig], scale: float) -> dict[str, MONetConfig]:
    """The models, at toy width below a hundredth. Raises ValueError on a scale that is no fraction."""
    if not 0 < scale <= 1:
        raise ValueError(f"scale {scale} is not in (0, 1]")
    return {name: config.tiny() if scale < TOY else config for name, config in rows.items()}


def fewer(batch: int, scale: float) -> int:
    """A batch of a fraction of the images, at least two of several."""
    return min(batch, max(2, round(batch * scale)))
