"""ElsewhereFigure: what slots see in environments that no one here wrote, drawn and in numbers, by encoders as they are and
by one that learned on an environment's own frames. What is not installed is left out, by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from objrep_gym import weights
from objrep_gym.data import whole
from objrep_gym.data.shards import Layout, write_shard
from objrep_gym.experiments.apart import taken_apart
from objrep_gym.experiments.foreign import Foreign, frames
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.decomposition import Parts, compared, decomposition
from objrep_gym.figures.page import Block, Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.reconstruction import mse
from objrep_gym.metrics.segmentation import segments
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.view import View
from objrep_gym.scenes.world import About
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted

SHOWN, JUDGED, TAUGHT = 0, 1_000, 2_000  # seeds: no frame that is judged or shown was learned from
SIDE, SEEN = 128, 64  # pixels a side of what is shown, and of what is judged
CHUNK = 64  # frames encoded at once
SEGMENT = 0.01  # of a picture: what is smaller is no segment
OWN = "own frames"


@dataclass(frozen=True)
class ElsewhereFigure:
    """Environments by row, encoders by column."""

    title: str
    rows: Mapping[str, Foreign]
    """Environments by the name of their row."""
    encoders: Mapping[str, str]
    """References of `weights.load`, by the name of their column."""
    learns: Mapping[str, Run] = field(default_factory=dict)
    """By row, what is trained on that environment's own frames: a run without data."""
    judged: int = 128
    """Frames behind each number."""
    taught: int = 2048
    """Frames that a model learns from."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the figure."""

    def scaled(self, scale: float) -> "ElsewhereFigure":
        """The same with a fraction of the steps, the batch and the frames; below a hundredth, models at toy width."""
        learns = {name: scaled(run, scale) for name, run in self.learns.items()}
        few = {"judged": max(2, round(self.judged * scale)), "taught": max(4, round(self.taught * scale))}
        return replace(self, learns=learns, **few)

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Makes what can be made here: a record for each environment and encoder, and the page."""
        present = {name: foreign for name, foreign in self.rows.items() if foreign.missing() is None}
        models = {name: weights.load(ref) for name, ref in self.encoders.items()}
        done = self.learned({name: run for name, run in self.learns.items() if name in present}, effort)
        own = {name: weights.load(found.folder) for name, found in done.items()}
        records = []
        for name, foreign in present.items():
            kept = frames(foreign, self.judged, SEEN, JUDGED)
            told = {"row": name, "id": foreign.id}
            records += [{**told, "encoder": encoder, **judge(model, kept)} for encoder, model in models.items()]
            if name in own:
                trained = progress(self.learns[name], done[name])
                records.append({**told, "encoder": OWN, **judge(own[name], kept), **trained})
        shown = {name: frames(foreign, 1, SIDE, SHOWN) for name, foreign in present.items()}
        pictures = [*self.everywhere(shown, models), *self.at_home(shown, models[self.taught_one], own)]
        return records, [Section(self.title, [*pictures, *self.tables(records), *self.absent()])]

    def learned(self, runs: Mapping[str, Run], effort: Effort) -> dict[str, Performed]:
        """By row, what has begun to learn on an environment's own frames, which are played first."""
        there = effort.root / "frames"
        fed = [
            replace(run, data=(str(played(self.rows[name], self.taught, run.model.build().size[1], there)),))
            for name, run in runs.items()
        ]
        return {name: found for name, found in zip(runs, train_all(fed, effort), strict=True) if found.step > 0}

    def everywhere(self, shown: Mapping[str, np.ndarray], models: Mapping[str, SlotModule]) -> Iterator[Picture]:
        """One frame of each environment as every encoder sees it, and the slots of the last encoder."""
        image = np.concatenate([*shown.values()])
        seen = {encoder: apart(model, image) for encoder, model in models.items()}
        told = "A frame of a random hand's play, under the colours of its slots, and as the slots draw it again."
        yield Picture(
            both(lambda: compared(seen, rows=[*shown])), "Environments of others as slots see them", self.captioned(told)
        )
        draw = lambda: decomposition(seen[self.taught_one], rows=[*shown])  # noqa: E731
        told = "What each slot decodes to, as opaque as its mask."
        yield Picture(both(draw), f"Slots of {self.taught_one} elsewhere", self.captioned(told))

    def at_home(
        self, shown: Mapping[str, np.ndarray], model: SlotModule, own: Mapping[str, SlotModule]
    ) -> Iterator[Picture]:
        """Where an encoder learned on an environment's own frames: before and after."""
        if not own:
            return
        before = apart(model, np.concatenate([shown[name] for name in own]))
        after = joined([apart(learned, shown[name]) for name, learned in own.items()])
        seen = {self.taught_one: before, OWN: after}
        told = "The same frames before and after a short training on frames of the environment itself, of other episodes."
        yield Picture(both(lambda: compared(seen, rows=[*own])), "Learning on own frames, before and after", told)

    def absent(self) -> Iterator[Block]:
        """What was left out, and why."""
        for name, foreign in self.rows.items():
            if reason := foreign.missing():
                yield f"{name} is left out: {reason}."

    @property
    def taught_one(self) -> str:
        """The encoder that is shown slot by slot, and beside what learned on own frames: the last."""
        return [*self.encoders][-1]

    def captioned(self, told: str) -> str:
        return " ".join([told, *self.notes])

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """Environments by row, encoders by column: how well each draws a frame again, and of how many segments."""
        left = [name for name in self.rows if name not in {record["row"] for record in records}]
        notes = (
            f"Means over {self.judged:,} frames of a random hand's play, brought to {SEEN}×{SEEN}.",
            *self.notes,
            *([f"Left out, as not installed: {', '.join(left)}."] if left else []),
        )
        errors = table("Squared error of the frame as its slots draw it again", records, "mse", "small", notes)
        counted = f"A segment holds at least {100 * SEGMENT:.0f} % of a frame's pixels."
        return [errors, table("Segments of a frame", records, "segments", "number", (counted, *notes))]


def table(
    title: str, records: Sequence[Mapping[str, Any]], measure: str, kind: Literal["small", "number"], notes: tuple[str, ...]
) -> Table:
    """One measure of every encoder, and how far those learned that learned on own frames."""
    columns = {name: Column(name, kind) for name in dict.fromkeys(record["encoder"] for record in records)}
    rows: dict[str, dict[str, Cell]] = {}
    for record in records:
        row = rows.setdefault(record["row"], {"id": record["id"]})
        row[record["encoder"]] = record[measure]
        if record["encoder"] == OWN:
            row["training"] = in_words(record)
    if OWN in columns and measure == "mse":
        columns["training"] = Column(f"training on {OWN}", "text")
    return Table(title, {"id": Column("made as", "text"), **columns}, rows, notes=notes, first="environment")


@torch.no_grad()
def judge(model: SlotModule, pictures: np.ndarray) -> dict[str, float]:
    """`segments`, the slots that hold most of at least a hundredth of a frame, and `mse` per pixel and channel of the frame
    drawn again: means over uint8 (N, H, W, 3)."""
    counts, errors = [], []
    for start in range(0, len(pictures), CHUNK):
        image = fitted(to_image(torch.from_numpy(pictures[start : start + CHUNK])), model.size)
        slots = model.encode(image)
        decoded = model.decode(slots.latents)
        errors.append(mse(image.numpy(), decoded.image.numpy()))
        masks = model.scored_masks(slots, decoded)
        assert masks is not None, f"{type(model).__name__} has no masks to count segments by"
        parted = segments(masks.float().numpy())
        share = np.stack([(parted == k).mean((1, 2)) for k in range(model.slots)], 1)
        counts.append((share >= SEGMENT).sum(1))
    return {"segments": float(np.concatenate(counts).mean()), "mse": float(np.concatenate(errors).mean())}


def apart(model: SlotModule, image: np.ndarray) -> Parts:
    """Frames uint8 (N, H, W, 3), taken apart."""
    nothing, none = np.zeros(image.shape[:3], np.uint8), np.zeros((len(image), 0, 0), np.float32)
    return replace(taken_apart(model, [View(image, nothing, None, none)]), truth=None)


def joined(scenes: Sequence[Parts]) -> Parts:
    """Scenes of several models with as many slots as one."""
    names = ("image", "masks", "reconstruction", "parts", "decoded")
    together: dict[str, Any] = {name: np.concatenate([getattr(parts, name) for parts in scenes]) for name in names}
    return Parts(**together)


def played(foreign: Foreign, count: int, side: int, folder: Path) -> Path:
    """A folder of frames to learn from, which are played unless they are there."""
    there = folder / f"{foreign.id.replace('/', '-')}-{count}-{side}"
    path = there / "frames.parquet"
    if not path.exists():
        there.mkdir(parents=True, exist_ok=True)
        image = frames(foreign, count, side, TAUGHT)
        view = View(image, None, None, np.zeros((count, 0, 0), np.float32))
        layout = Layout(About((), (), (), 0), (side, side), ("image",))
        whole.write(path, lambda partial: write_shard(partial, view, layout))
    return there
