"""How well models take scenes apart: segmentation and reconstruction on held-out images, all models on the same ones."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from objrep_gym import weights
from objrep_gym.data import open_source, parse
from objrep_gym.data.batches import Source
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.intervals import Interval, bootstrap
from objrep_gym.metrics.reconstruction import mix, mse
from objrep_gym.metrics.segmentation import TAKES_ALL, ari, msc, segments, share_of_largest
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.processes import own_device
from objrep_gym.training import Precision, layout
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted, resize

BASELINES = {"colour": "k-means, chromaticity", "colour-rgb": "k-means, RGB", "one-slot": "all in one segment"}
METRICS = ("ari_fg", "msc_fg", "mse_decoded", "mse_attention", "takes_all")
COLUMNS = {
    "ari_fg": Column("ARI-FG", "rate", "high"),
    "msc_fg": Column("MSC-FG", "rate", "high"),
    "mse_decoded": Column("MSE decoded", "small", "low", 2),
    "mse_attention": Column("MSE attention", "small", "low", 2),
    "takes_all": Column("one slot takes all", "rate", "low"),
}
TAKEN = (
    "One slot takes all: the images with two objects or more of which one segment holds nine tenths or more. A model is "
    "collapsed where these are more than half."
)
Scores = dict[str, np.ndarray]
"""float (N,) of each of `METRICS`, one number per image, NaN where it has none."""


@dataclass(frozen=True)
class Exam:
    """What models are judged on: `count` scenes of a split that no training sees, or of a grid, which is the same in every
    split. The same Exam has the same images."""

    data: str = "objects-room"
    """A dataset, `objects-room:variant=reach,size=32`, or a folder of shards."""
    split: str = "test"
    """train, validation or test; a folder holds one split."""
    count: int = 1000
    """How many scenes; a folder may hold fewer."""
    seed: int = 0
    """Of the scenes that are drawn."""
    batch: int = 50
    """Scenes that are encoded at once."""
    precision: Precision = "float32"
    """bf16 encodes and decodes in half the bits."""


def evaluate(refs: str | Sequence[str], exam: Exam, watch: Callable[[int], None] | None = None) -> list[dict[str, Any]]:
    """One record for each of `refs` and one for each baseline, on the same scenes: `model, data, variant, look, split,
    count`, and every metric with the bounds of its 95 % bootstrap interval (`ari_fg`, `ari_fg_low`, `ari_fg_high`),
    None where a model has no such number. `left_out` counts the scenes in which no object is seen.

    `watch` is told how many scenes are done. Raises WeightsError, or ValueError on data without masks.
    """
    source = open_source(exam.data, exam.seed, exam.split)
    named = (refs,) if isinstance(refs, str) else refs
    models = {ref: weights.load(ref, own_device()) for ref in named} | baselines(source.size, without=named)
    try:
        scores = judge(models, source, exam, watch)
    finally:
        source.close()
    return [{"model": name, **described(exam), **summary(found)} for name, found in scores.items()]


def baselines(size: tuple[int, int], without: Sequence[str] = ()) -> dict[str, SlotModule]:
    """What knows nothing of objects, for images of `size`, each with the K of its preset."""
    known: dict[str, Any] = {name: MODELS[name] for name in BASELINES if name not in without}
    return {name: dataclasses.replace(config, size=size).build().eval() for name, config in known.items()}


def judge(
    models: Mapping[str, SlotModule], source: Source, exam: Exam, watch: Callable[[int], None] | None = None
) -> dict[str, Scores]:
    """Scores of every model on the first `exam.count` scenes of `source`, which are read once."""
    count = min(exam.count, source.examples or exam.count)
    if min(count, exam.batch) < 1:
        raise ValueError(f"{count} scenes, {exam.batch} at a time, cannot be judged: ask for 1 or more")
    found: dict[str, list[Scores]] = {name: [] for name in models}
    for start in range(0, count, exam.batch):
        numbers = np.arange(start, min(start + exam.batch, count))
        view = source.read(numbers, ("image", "mask"))
        if view.mask is None:
            raise ValueError(f"{exam.data} has no masks to judge segments by: generate it with masks")
        image, true = to_image(torch.from_numpy(np.array(view.image))), view.mask.astype(np.int64)
        for name, model in models.items():
            found[name].append(score(model, image, true, source.about.background, exam.precision))
        if watch is not None:
            watch(int(numbers[-1]) + 1)
    return {name: {m: np.concatenate([part[m] for part in parts]) for m in METRICS} for name, parts in found.items()}


@torch.no_grad()
def score(
    model: SlotModule, image: Float[Tensor, "B C H W"], true: np.ndarray, background: int, precision: Precision
) -> Scores:
    """Scores of one batch; `true` int (B, H, W).

    Images are brought to the model's size, what it makes of them is brought back to the data's: all models are judged at
    the size of the data. Segments are the largest attention mask, or decoded mask where a model has no other.
    """
    size = (image.shape[2], image.shape[3])
    device = model.device
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        slots = model.encode(fitted(image, model.size).to(device).contiguous(memory_format=layout(model)))
        decoded = model.decode(slots.latents)
    masks = model.scored_masks(slots, decoded)
    nothing = np.full(len(image), np.nan)
    if masks is None:
        return {**dict.fromkeys(METRICS, nothing), "mse_decoded": error(image, decoded.image)}
    parted: np.ndarray = segments(resize(masks.float(), size).cpu().numpy())
    by_masks = slots.masks is not None and decoded.parts is not None
    mixed = torch.from_numpy(mix(array(decoded.parts), array(slots.masks))) if by_masks else None
    shares = share_of_largest(parted, true, background)
    return {
        "ari_fg": ari(parted, true, background),
        "msc_fg": msc(parted, true, background),
        "mse_decoded": error(image, decoded.image),
        "mse_attention": nothing if mixed is None else error(image, mixed),
        "takes_all": np.where(np.isnan(shares), np.nan, shares >= TAKES_ALL),
    }


def error(image: Float[Tensor, "B C H W"], drawn: Float[Tensor, "B c h w"]) -> np.ndarray:
    """Mean squared error (B,) at the size and with the channels of `image`."""
    _, channels, height, width = image.shape
    return mse(image.numpy(), fitted(drawn.float().cpu(), (channels, height, width)).numpy())


def array(tensor: Tensor | None) -> np.ndarray:
    assert tensor is not None
    return tensor.float().cpu().numpy()


def described(exam: Exam) -> dict[str, Any]:
    """What a record says of its data; variant and look are None for a folder."""
    data = parse(exam.data)
    named = dataclasses.asdict(data) if dataclasses.is_dataclass(data) and not isinstance(data, type) else {}
    return {
        "data": exam.data.partition(":")[0],
        "variant": named.get("variant"),
        "look": named.get("look"),
        "split": exam.split if named else None,  # a folder holds what it was generated as
    }


def summary(scores: Scores) -> dict[str, Any]:
    """Means and bounds of intervals; None where no image has a number."""
    count, seen = len(scores["ari_fg"]), int((~np.isnan(scores["msc_fg"])).sum())
    told: dict[str, Any] = {"count": count, "left_out": count - seen if seen else 0}
    for name in METRICS:
        interval = bootstrap(scores[name])
        for suffix, value in (("", interval.mean), ("_low", interval.low), ("_high", interval.high)):
            told[name + suffix] = None if np.isnan(value) else value
    return told


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `evaluate`, for people."""
    first = records[0]
    data = " ".join(str(first[name]) for name in ("data", "variant", "look", "split") if first[name])
    rows = {titled(record["model"]): dict(cells(record)) for record in records}
    columns = {name: column for name, column in COLUMNS.items() if any(name in cells for cells in rows.values())}
    notes = ["Means over images with 95 % bootstrap intervals. Segments are the largest attention mask."]
    if "takes_all" in columns:
        notes.append(TAKEN)
    if first["left_out"]:
        notes.append(f"{first['left_out']} images without a visible object are left out of ARI and MSC.")
    return Table(f"{data}, {first['count']:,} images", columns, rows, notes=tuple(notes), first="model")


def titled(name: str) -> str:
    return f"{name}: {BASELINES[name]}" if name in BASELINES else name


def cells(record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in METRICS:
        if record.get(name) is not None:
            yield name, Interval(record[name], record[f"{name}_low"], record[f"{name}_high"])
