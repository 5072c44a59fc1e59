"""What slots tell of the properties of objects: a quantitative evaluation of disentanglement in scenes, which Berriel 2022
(chapter 6) found missing.

Slots are matched to objects by their masks, and then each slot's latents are the code of one object, whose place, size,
shape, colour and heading are known: MIG, DCI and SAP ask which latent tells which, linear probes whether they are told at
all. Where a model encodes parts that are given, it is asked the same on true masks: what is better there was lost by the
masks, what is not was never in the latents.
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from objrep_gym import weights
from objrep_gym.data import open_source
from objrep_gym.data.batches import Source
from objrep_gym.experiments.judge import Exam, baselines, described, titled
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.classes import mean_of_known
from objrep_gym.metrics.dci import concentrations, dci
from objrep_gym.metrics.matching import Matches, match
from objrep_gym.metrics.mig import gaps
from objrep_gym.metrics.probes import Kind, probes
from objrep_gym.metrics.sap import separations
from objrep_gym.metrics.segmentation import segments
from objrep_gym.models.base import SlotModule
from objrep_gym.scenes.seen import PROPERTIES, Seen, seen
from objrep_gym.types import to_image
from objrep_gym.wrappers.encoder import fitted, resize

COLUMNS = {
    "things": Column("objects"),
    "overlap": Column("IoU", "rate"),
    "mig": Column("MIG", "rate", "high"),
    "disentanglement": Column("D", "rate", "high"),
    "completeness": Column("C", "rate", "high"),
    "informativeness": Column("I", "rate", "high"),
    "sap": Column("SAP", "rate", "high"),
}
NAMES = tuple(dict.fromkeys(PROPERTIES.values()))
PROBED = {name: Column(f"{name} {'accuracy' if name in ('shape', 'material') else 'R²'}", "rate", "high") for name in NAMES}
EACH = {"mig": "MIG", "completeness": "completeness", "informativeness": "informativeness", "sap": "SAP"}
"""What is told of each property by itself; disentanglement is of a latent, not of a property."""
UDR = {"udr_lasso": Column("UDR lasso", "rate", "high"), "udr_spearman": Column("UDR Spearman", "rate", "high")}
AGREED = "UDR (Duan et al. 2020): how much the latents of models that differ in their seed agree, without labels."
MEASURED = (
    "IoU: mean overlap of objects and their slots; those of fewer than a 256th of the pixels are left out. MIG, DCI "
    "(disentanglement, completeness, informativeness) and SAP over all factors, as in Locatello et al. 2019."
)
PROBES = (
    "On objects that they were not fitted to: R² of a ridge regression, accuracy of a logistic one. Position (across and "
    "down), size and heading are counted as the camera sees them."
)


Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Told:
    """Codes of M objects and what is true of them; of `hidden` objects too little is seen, and `unmatched` have no slot."""

    codes: Float[np.ndarray, "M D"]
    factors: Float[np.ndarray, "M P"]
    overlap: Float[np.ndarray, "M"]
    hidden: int
    unmatched: int
    names: tuple[str, ...]
    kinds: tuple[Kind, ...]


def evaluate(refs: str | Sequence[str], exam: Exam, watch: Callable[[int], None] | None = None) -> list[dict[str, Any]]:
    """Records of each of `refs`, of the same untrained, and of k-means by colour, on the same scenes: each by its own masks
    and, where it takes masks, by the true ones. `watch` is told how many scenes are done. Raises WeightsError; ValueError
    on data that is not drawn, or a model without masks."""
    source = open_source(exam.data, exam.seed, exam.split)
    named = (refs,) if isinstance(refs, str) else refs
    known = {ref: weights.load(ref) for ref in named}
    models = {name: m for ref in named for name, m in {ref: known[ref], **untrained(ref, known[ref], exam.seed)}.items()}
    models |= {name: model for name, model in baselines(source.size, without=named).items() if model.slots > 1}
    try:
        found = gather(models, source, exam, watch)
    finally:
        source.close()
    found.pop(("colour-rgb", "true"), None)  # of true parts both k-means say the same
    about = {"count": exam.count, **described(exam)}
    return [{"model": name, "masks": masks, **about, **dissect(part)} for (name, masks), part in found.items()]


def untrained(name: str, model: SlotModule, seed: int) -> dict[str, SlotModule]:
    """The same architecture with weights as they are drawn, by the name of its row; none of a model that has no weights."""
    if next(model.parameters(), None) is None:
        return {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return {f"{name}, untrained": model.config.build().eval().to(model.device)}


def gather(
    models: Mapping[Name, SlotModule], source: Source, exam: Exam, watch: Callable[[int], None] | None = None
) -> dict[tuple[Name, str], Told]:
    """Codes and factors of the objects in the first `exam.count` scenes, by model and masks ("own" or "true")."""
    found: dict[tuple[Name, str], list[Told]] = {}
    for image, true, truth in looked_at(source, exam, watch):
        for name, model in models.items():
            for masks, told in parts_of(model, image, true, truth, source.about.background, exam):
                found.setdefault((name, masks), []).append(told)
    return {place: joined(parts) for place, parts in found.items()}


def looked_at(
    source: Source, exam: Exam, watch: Callable[[int], None] | None
) -> Iterator[tuple[Float[Tensor, "B C H W"], Integer[np.ndarray, "B H W"], Seen]]:
    """Images, true ids and true factors of the scenes of an exam, batch by batch."""
    world: Any = getattr(source, "world", None)
    if world is None:
        raise ValueError(f"{exam.data} is not drawn here: only of such worlds is it known how a camera sees their factors")
    count = min(exam.count, source.examples or exam.count)
    if min(count, exam.batch) < 1:
        raise ValueError(f"{count} scenes, {exam.batch} at a time, cannot be judged: ask for 1 or more")
    for start in range(0, count, exam.batch):
        numbers = np.arange(start, min(start + exam.batch, count))
        view = source.read(numbers, ("image", "mask"))
        assert view.mask is not None
        yield to_image(torch.from_numpy(np.array(view.image))), view.mask.astype(np.int64), seen(world, view.factors)
        if watch is not None:
            watch(int(numbers[-1]) + 1)


def parts_of(
    model: SlotModule,
    image: Float[Tensor, "B C H W"],
    true: Integer[np.ndarray, "B H W"],
    truth: Seen,
    background: int,
    exam: Exam,
) -> Iterator[tuple[str, Told]]:
    """What slots of a batch tell of its objects, by the model's own masks and, where it takes them, by the true ones."""
    slots, parted = parted_by(model, image, exam)
    yield "own", told(slots, match(parted, true, background), truth)
    if model.takes_masks:
        exact = torch.from_numpy(true[:, None] == np.arange(truth.values.shape[1])[:, None, None]).float()
        yield "true", told(given(model, image, exact, exam), match(true, true, background), truth)


@torch.no_grad()
def parted_by(
    model: SlotModule, image: Float[Tensor, "B C H W"], exam: Exam
) -> tuple[Float[Tensor, "B K D"], Integer[np.ndarray, "B H W"]]:
    """Latents of a batch, and its segments at the size of the data: the largest attention mask, or decoded mask where a
    model has no other. Raises ValueError on a model that has neither."""
    with encoding(model, exam):
        slots = model.encode(fitted(image, model.size).to(model.device))
        masks = slots.masks if slots.masks is not None else model.decode(slots.latents).masks
    if masks is None:
        raise ValueError(f"{type(model).__name__} has no masks: nobody knows which of its slots is which object")
    return slots.latents, segments(resize(masks.float(), (image.shape[2], image.shape[3])).cpu().numpy())


@torch.no_grad()
def given(
    model: SlotModule, image: Float[Tensor, "B C H W"], masks: Float[Tensor, "B P H W"], exam: Exam
) -> Float[Tensor, "B P D"]:
    """Latents of parts that are given at the size of the data."""
    with encoding(model, exam):
        fit = resize(masks, model.size[1:]).to(model.device)
        return model.encode_parts(fitted(image, model.size).to(model.device), fit).latents


def encoding(model: SlotModule, exam: Exam) -> torch.autocast:
    """The precision that an exam asks for."""
    return torch.autocast(model.device.type, torch.bfloat16, enabled=exam.precision == "bf16")


def told(latents: Float[Tensor, "B K D"], pairs: Matches, truth: Seen) -> Told:
    """Codes of the slots that were matched, and the factors of their objects."""
    codes = latents.float().cpu().numpy()[pairs.image, pairs.segment].astype(np.float64)
    kinds: Any = truth.kinds
    factors = truth.values[pairs.image, pairs.thing]
    return Told(codes, factors, pairs.overlap, pairs.hidden, pairs.unmatched, truth.names, kinds)


def joined(parts: Sequence[Told]) -> Told:
    """Several batches as one."""
    codes, factors, overlap = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("codes", "factors", "overlap")
    )
    hidden, unmatched = (sum(getattr(part, name) for part in parts) for name in ("hidden", "unmatched"))
    return dataclasses.replace(parts[0], codes=codes, factors=factors, overlap=overlap, hidden=hidden, unmatched=unmatched)


def dissect(found: Told) -> dict[str, Any]:
    """How the codes of objects tell their factors: `things`, `hidden`, `unmatched`, `overlap`; `mig, disentanglement,
    completeness, informativeness, sap`; all but the second and the linear probe of each property (`mig_position`,
    `probe_position`), the probe of each factor too (`probe_across`); and `importance`, of each factor how much each latent
    is used to predict it.

    None where there is no such number: of a factor that is the same everywhere, or of objects of which none was matched.
    """
    counts = {"things": len(found.codes), "hidden": found.hidden, "unmatched": found.unmatched}
    numbers = {"overlap": mean_of_known(found.overlap), **scores(found)}
    return {**counts, **{name: plain(number) for name, number in numbers.items()}}


def scores(found: Told) -> dict[str, Any]:
    """Every metric of `dissect`; NaN where there is none."""
    names, codes, factors = found.names, found.codes, found.factors
    if not len(codes):  # a model that matches no object tells nothing
        codes, factors = np.zeros((1, codes.shape[1])), np.full((1, len(names)), np.nan)
    trees, probed = dci(codes, factors), probes(codes, factors, found.kinds)
    single = {"mig": gaps(codes, factors), "sap": separations(codes, factors), "informativeness": trees.accuracy}
    single["completeness"] = concentrations(trees.importance.T)
    told = {
        "mig": mean_of_known(single["mig"]),
        "disentanglement": trees.disentanglement,
        "completeness": trees.completeness,
    }
    told |= {"informativeness": trees.informativeness, "sap": mean_of_known(single["sap"])}
    for metric in EACH:
        told |= by_property(metric, names, single[metric])
    told |= {**by_property("probe", names, probed), **{f"probe_{n}": v for n, v in zip(names, probed, strict=True)}}
    return {**told, "importance": dict(zip(names, trees.importance.T, strict=True))}


def by_property(metric: str, names: Sequence[str], values: Float[np.ndarray, "P"]) -> dict[str, float]:
    """The mean over the factors of each property."""
    groups: dict[str, list[float]] = {}
    for name, value in zip(names, values, strict=True):
        groups.setdefault(PROPERTIES[name], []).append(float(value))
    return {f"{metric}_{name}": mean_of_known(np.array(group)) for name, group in groups.items()}


def plain(value: Any) -> Any:
    """Numbers as JSON has them: None for NaN, four digits for what there are many of."""
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        return None if np.isnan(value).any() else [round(float(part), 4) for part in value]
    return None if np.isnan(value) else float(value)


def as_tables(records: Sequence[Mapping[str, Any]]) -> list[Table]:
    """The records of `evaluate`, for people: how latents and factors go together, and what linear probes find."""
    first = records[0]
    data = " ".join(str(first[name]) for name in ("data", "variant", "look", "split") if first[name])
    title = f"{data}, {first['count']:,} images"
    udr = ranked(records)
    scored = (title, {**COLUMNS, **udr}, (MEASURED, AGREED) if udr else (MEASURED,))
    parts = [scored, *((f"{title}, {what}", shown, notes) for what, shown, notes in apart(records))]
    return [
        Table(head, shown, {named(record): filled(record, shown) for record in records}, notes=notes, first="model")
        for head, shown, notes in parts
    ]


def by_udr(names: Sequence[Name], scores: Mapping[str, Float[np.ndarray, "S"]]) -> dict[Name, dict[str, Any]]:
    """UDR of each of S models (`udr_lasso`, `udr_spearman`), by its name, from that of all by its similarity."""
    return {name: {f"udr_{kind}": plain(s[i]) for kind, s in scores.items()} for i, name in enumerate(names)}


def ranked(records: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """The columns of UDR, where some record has one."""
    return {name: column for name, column in UDR.items() if any(record.get(name) is not None for record in records)}


def named(record: Mapping[str, Any]) -> str:
    return row(titled(record["model"]), record["masks"])


def row(name: str, masks: str) -> str:
    """The name of a row."""
    return name if masks == "own" else f"{name}, true masks"


def apart(records: Sequence[Mapping[str, Any]]) -> list[tuple[str, dict[str, Column], tuple[str, ...]]]:
    """Tables by property: their titles, a column for each property that some record has a number of, and notes."""
    plainly = {name: Column(name, "rate", "high") for name in NAMES}
    parts = [(metric, f"{title} by property", plainly, ()) for metric, title in EACH.items()]
    told = []
    for metric, title, shown, notes in (*parts, ("probe", "linear probes", PROBED, (PROBES,))):
        columns = {f"{metric}_{name}": column for name, column in shown.items()}
        known = {name: column for name, column in columns.items() if any(r.get(name) is not None for r in records)}
        told.append((title, known, notes))
    return told


def filled(record: Mapping[str, Any], shown: Mapping[str, Column]) -> dict[str, Any]:
    """The numbers that a record has."""
    return {name: record[name] for name in shown if record.get(name) is not None}
