"""The probe that ships beside an encoder's weights: fitted to validation scenes of the data that the encoder learned on,
and judged on test scenes, where slots and objects are matched by their masks. Labels reach the probe alone, never the
encoder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from jaxtyping import Float, Integer
from torch import Tensor

from objrep_gym.data import drawn, open_source
from objrep_gym.data.watching import watching
from objrep_gym.experiments.dissection import Told, joined, looked_at, parted_by, told
from objrep_gym.experiments.judge import Exam
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.classes import FEWEST
from objrep_gym.metrics.matching import LEAST, match
from objrep_gym.metrics.probes import fit, score
from objrep_gym.models.base import SlotModule
from objrep_gym.wrappers.describe import NOTHING, WHAT, Head, Probe

FITTED, JUDGED = "validation", "test"
SURE = 0.5  # of a thing and its slot, intersection over union: what a slot holds less of teaches a probe little
PARTS = {"shape": ("shape",), "material": ("material",), "colour": ("hue", "saturation", "colour"), "size": ("size",)}
PARTS |= {"place": ("across", "down")}
"""The factors that each word is made of, where a world has them."""
SIZES, ACROSS, DOWN = ("small", "medium", "large"), ("left", "middle", "right"), ("top", "middle", "bottom")
COLUMNS = {
    "things": Column("objects"),
    "what": Column("what a slot holds", "rate"),
    **{name: Column(name, "rate") for name in PARTS},
    "off": Column("place is off by, pixels"),
}


@dataclass(frozen=True)
class Looked:
    """What slots of scenes hold: latents and kinds of all of them, and codes and factors of those that are things'."""

    slots: Float[np.ndarray, "S D"]
    what: np.ndarray
    """Names of kinds (S,)."""
    things: Told
    kinds: tuple[str, ...]
    """Kinds that are things."""
    values: Mapping[str, tuple[str, ...]]
    """Names of the values of finite factors."""
    ends: Mapping[str, tuple[float, float]]
    """Where the picture begins and ends, in the unit of across and of down."""
    height: int
    """Of the pictures, in pixels."""


def describable(model: SlotModule, data: Sequence[str]) -> bool:
    """Whether a probe can be fitted: to a model with masks, on data that is drawn, by scikit-learn."""
    return find_spec("sklearn") is not None and model.has_masks and worlds(data)


def worlds(data: Sequence[str]) -> bool:
    """Whether all sources are drawn here, so that true factors are known."""
    return all(text.partition(":")[0] in drawn() for text in data)


def of_grids(data: Sequence[str]) -> int:
    """How many pictures all grids that are drawn here have, of which every split is all; 0 where there are none."""
    size = 0
    for text in data if worlds(data) else ():
        source = open_source(text)
        size += source.examples or 0
        source.close()
    return size


def described(model: SlotModule, data: Sequence[str], count: int, progress: bool = True) -> Probe:
    """A probe of `model`, fitted to 3·`count` validation scenes of all of `data` and judged on `count` test scenes of each;
    its `about` says so: `fitted`, and a record for each of `data` in `judged`."""
    share = -(-3 * count // len(data))
    with watching("fit a probe", len(data) * (share + count), progress) as show:
        seen = [
            look(model, Exam(text, FITTED, share), lambda n, i=i: show(i * share + n, "scenes"))
            for i, text in enumerate(data)
        ]
        probe, begun = fitted(seen), len(data) * share
        judged = []
        for number, text in enumerate(data):
            found = look(model, Exam(text, JUDGED, count), lambda n, i=number: show(begun + i * count + n, "scenes"))
            judged.append({"data": text, "count": count, **scores(probe, found)})
    about = {
        "data": list(data),
        "split": FITTED,
        "count": share * len(data),
        "things": sum(len(one.things.codes) for one in seen),
    }
    return Probe(probe.heads, probe.things, {"fitted": about, "judged": judged})


def look(model: SlotModule, exam: Exam, watch: Any = None) -> Looked:
    """What a model's slots hold in the scenes of an exam."""
    source = open_source(exam.data, exam.seed, exam.split)
    try:
        about, world = source.about, getattr(source, "world", None)
        every: list[tuple[np.ndarray, np.ndarray, Told]] = []
        for image, true, truth in looked_at(source, exam, watch):
            slots, parted = parted_by(model, image, exam)
            names = owners(parted, true, slots.shape[1], about.entities)
            every.append((flat(slots), names.reshape(-1), told(slots, match(parted, true, about.background), truth)))
        height, width = source.size
    finally:
        source.close()
    codes, what, things = (list(part) for part in zip(*every, strict=True))
    wide = width / height
    ends = (
        {"across": (-wide, wide), "down": (-1.0, 1.0)} if hasattr(world, "cameras") else {"across": (0, 1), "down": (0, 1)}
    )
    kinds = tuple(dict.fromkeys(kind(name) for name in about.entities[about.background :]))
    values = getattr(world, "values", {})
    return Looked(np.concatenate(codes), np.concatenate(what), joined(things), kinds, values, ends, height)


def flat(slots: Float[Tensor, "B K D"]) -> Float[np.ndarray, "S D"]:
    return slots.flatten(0, 1).float().cpu().numpy().astype(np.float64)


def owners(
    parted: Integer[np.ndarray, "B H W"], true: Integer[np.ndarray, "B H W"], slots: int, entities: Sequence[str]
) -> np.ndarray:
    """The kind of entity to which most pixels of each slot belong, (B, K); nothing, of a slot with next to none."""
    table = np.zeros((len(true), slots, len(entities)), int)
    np.add.at(table, (np.arange(len(true))[:, None, None], parted, true), 1)
    kinds = np.array([kind(name) for name in entities])
    return np.where(table.sum(2) < LEAST * true[0].size, NOTHING, kinds[table.argmax(2)])


def kind(entity: str) -> str:
    """`object` of `object_2`, `wall` of `wall_east`, `hand` of `hand`."""
    return entity.partition("_")[0]


def fitted(seen: Sequence[Looked]) -> Probe:
    """The lines of everything that is told. Raises ValueError on scenes with other factors beside each other."""
    first = seen[0]
    if any((one.things.names, one.things.kinds) != (first.things.names, first.things.kinds) for one in seen):
        raise ValueError("scenes of different worlds have no probe in common: their things have other factors")
    what = np.concatenate([one.what for one in seen])
    names, numbers = np.unique(what, return_inverse=True)
    heads = {WHAT: Head(fit(np.concatenate([one.slots for one in seen]), numbers, "classes"), tuple(map(str, names)))}
    things = joined([one.things for one in seen])
    for column, name in enumerate(things.names):
        rows = ~np.isnan(things.factors[:, column]) & (things.overlap >= SURE)
        if name != "heading" and rows.sum() >= FEWEST:
            truth = things.factors[rows, column]
            heads[name] = Head(fit(things.codes[rows], truth, things.kinds[column]), *in_words(name, truth, first))
    return Probe(heads, tuple(dict.fromkeys(name for one in seen for name in one.kinds)))


def in_words(name: str, truth: np.ndarray, seen: Looked) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """How a factor is told: the names of its classes, thirds of the picture, or thirds of the sizes that were met."""
    if name in ("across", "down"):
        low, high = seen.ends[name]
        return ACROSS if name == "across" else DOWN, (low + (high - low) / 3, high - (high - low) / 3)
    if things_kind(name, seen) == "classes":
        return seen.values.get(name) or tuple(f"{name} {i}" for i in range(int(truth.max()) + 1)), ()
    return (SIZES, tuple(np.quantile(truth, (1 / 3, 2 / 3)).tolist())) if name == "size" else ((), ())


def things_kind(name: str, seen: Looked) -> str:
    return seen.things.kinds[seen.things.names.index(name)]


def scores(probe: Probe, seen: Looked) -> dict[str, Any]:
    """How often each word is right; `guess_…`, how often the commonest one would be; R² of each number; and `off`, by how
    many pixels a place is wrong on average. None where nothing has such a factor."""
    things, spoken = seen.things, probe.heads[WHAT].words(probe.heads[WHAT].line.tell(seen.slots))
    found: dict[str, Any] = {
        "things": len(things.codes),
        WHAT: share(spoken == seen.what),
        f"guess_{WHAT}": commonest(seen.what),
    }
    truth = dict(zip(things.names, things.factors.T, strict=True))
    told_values = probe.values(things.codes)
    said, right = probe.words(told_values), probe.words({name: np.nan_to_num(value) for name, value in truth.items()})
    for word, factors in PARTS.items():
        known = ~np.isnan(
            np.stack([truth[name] for name in factors if name in truth] or [np.full(len(things.codes), np.nan)])
        ).any(0)
        if word in said and known.any():
            found |= {word: share((said[word] == right[word])[known]), f"guess_{word}": commonest(right[word][known])}
    for name, head in probe.heads.items():
        if name != WHAT and head.line.kind != "classes" and (rows := ~np.isnan(truth[name])).any():
            found[f"r2_{name}"] = score(head.line, things.codes[rows], truth[name][rows])
    if {"across", "down"} <= truth.keys() & told_values.keys():  # a probe that met no object has no places
        span = seen.ends["down"][1] - seen.ends["down"][0]
        apart = np.hypot(*(told_values[name] - truth[name] for name in ("across", "down"))) / span * seen.height
        found["off"] = float(np.nanmean(apart))
    return {name: None if value != value else value for name, value in found.items()}


def share(right: np.ndarray) -> float:
    return float(right.mean()) if right.size else float("nan")


def commonest(words: np.ndarray) -> float:
    """How often the commonest of words comes."""
    return float(np.unique(words, return_counts=True)[1].max() / len(words)) if words.size else float("nan")


def as_table(judged: Sequence[Mapping[str, Any]]) -> Table:
    """How far the words can be trusted."""
    rows: dict[str, dict[str, Any]] = {}
    for record in judged:
        rows[record["data"]] = {name: record[name] for name in COLUMNS if record.get(name) is not None}
        guesses = {name: record[f"guess_{name}"] for name in COLUMNS if record.get(f"guess_{name}") is not None}
        rows[f"{record['data']}, the commonest word"] = guesses
    title = f"Slots in words, test, {judged[0]['count']:,} images of each"
    return Table(
        title,
        {name: c for name, c in COLUMNS.items() if any(name in row for row in rows.values())},
        rows,
        notes=NOTES,
        first="data",
    )


NOTES = (
    "How often each word is right: of what a slot holds over all slots, of the rest over all objects that have a slot, "
    "however little of them. Colour is one of nine names, size one of three, place one of nine parts of the picture.",
)
