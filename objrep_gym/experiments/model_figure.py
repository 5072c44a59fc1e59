"""ModelFigure: what trained models make of held-out scenes, drawn, with the numbers behind the drawing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from objrep_gym import weights
from objrep_gym.data import open_source
from objrep_gym.experiments.describing import of_grids
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.counting import count_seen
from objrep_gym.metrics.reconstruction import mse
from objrep_gym.models.base import SlotModule
from objrep_gym.types import Clock, Scenes, recolour, to_image
from objrep_gym.wrappers.encoder import fitted

COLUMNS = {
    "bound": Column("negative bound, nats", "number", "low"),
    "nll": Column("of it pixels", "number"),
    "kl": Column("of it latents", "number"),
    "mse": Column("MSE", "small", "low", 2),
    "training": Column("training", "text"),
}
SEARCHED = 200  # scenes among which those that are shown are found
CHUNK = 100  # scenes judged at once


@dataclass(frozen=True)
class Shown:
    """A trained model, scenes of the test split of its own data, and where it was trained."""

    model: SlotModule
    image: Float[Tensor, "N C H W"]
    folder: Path


Draw = Callable[[Mapping[str, Shown]], Sequence[Picture]]


@dataclass(frozen=True)
class ModelFigure:
    """Models by row, and what is drawn of them."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name that they have in the figure."""
    draw: Draw
    """Pictures of the models that have begun to learn, by their names."""
    shown: int = 8
    """Scenes that each model is shown with: the first that have at least `least` objects."""
    least: int = 2
    """Objects of a scene that is worth showing."""
    judged: int = 2000
    """Test scenes behind each number of the table."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the figure."""

    def scaled(self, scale: float) -> "ModelFigure":
        """The same with a fraction of the steps, the batch and the judged scenes; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        return replace(self, rows=rows, judged=max(4, round(self.judged * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record for each model, the figure and its table."""
        done = dict(zip(self.rows, train_all(list(self.rows.values()), effort), strict=True))
        begun = {name: found for name, found in done.items() if found.step > 0}
        shown = {name: self.show(self.rows[name], found) for name, found in begun.items()}
        records = [self.record(name, begun[name], shown[name].model) for name in begun]
        pictures = self.draw(shown) if shown else []
        return records, [Section(self.title, [*pictures, *self.tables(records)])]

    def show(self, run: Run, found: Performed) -> Shown:
        """A model with its scenes."""
        model = weights.load(found.folder)
        return Shown(model, recolour(shown_scenes(run.data[0], self.shown, self.least), model.size[0]), found.folder)

    def record(self, name: str, found: Performed, model: SlotModule) -> dict[str, Any]:
        """The bound, its two parts and the squared error of one model, on scenes that no training saw, or of a grid."""
        run = self.rows[name]
        return {"row": name} | progress(run, found) | bounds(model, run.data[0], self.judged)

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """The models beside each other."""
        rows = {record["row"]: dict(cells(record)) for record in records}
        grids = {of_grids(run.data) > 0 for run in self.rows.values()}
        scenes = "scenes of the grid, which training saw too" if True in grids else "test scenes"
        scenes = f"test scenes, and {scenes}" if len(grids) == 2 else scenes
        judged = f"Means over {self.judged:,} {scenes}, latents drawn once; MSE is that of posterior means."
        notes = (judged, *self.notes)
        return [Table(self.title, COLUMNS, rows, notes=notes, first="model")]


def shown_scenes(data: str, count: int, least: int) -> Float[Tensor, "N C H W"]:
    """The first `count` test scenes in which at least `least` objects are seen."""
    source = open_source(data, split="test")
    try:
        view = source.read(np.arange(SEARCHED), ("image", "mask"))
        assert view.mask is not None
        kept = np.flatnonzero(count_seen(view.mask, source.about.background) >= least)[:count]
    finally:
        source.close()
    return to_image(torch.from_numpy(view.image[kept]))


@torch.no_grad()
def bounds(model: SlotModule, data: str, scenes: int) -> dict[str, float]:
    """`bound`, `nll` and `kl` (at a price of 1) in nats per image, `mse` per pixel and channel; means over the first
    `scenes` test scenes."""
    source = open_source(data, split="test")
    sums = np.zeros(3)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for start in range(0, scenes, CHUNK):
            pixels = source.read(np.arange(start, min(start + CHUNK, scenes)), ("image",)).image
            image = fitted(to_image(torch.from_numpy(pixels)), model.size).to(model.device)
            nll = model.losses(Scenes(image), Clock(torch.zeros((), dtype=torch.int64), 1)).terms["nll"]
            slots = model.encode(image)
            error = mse(image.cpu().numpy(), model.decode(slots.latents).image.cpu().numpy()).mean()
            sums += len(pixels) * np.array([nll.item(), slots.nats.sum(1).mean().item(), error])
    source.close()
    nll, kl, error = (sums / scenes).tolist()
    return {"bound": nll + kl, "nll": nll, "kl": kl, "mse": error}


def cells(record: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    for name in ("bound", "nll", "kl", "mse"):
        yield name, float(record[name])
    yield "training", in_words(record)
