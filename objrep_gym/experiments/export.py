"""A training run becomes weights that people can use: in fewer bits, judged on held-out scenes, with a probe, a card and a
picture. What was exported before can be exported again: judged and described anew, with what is known of its run."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data import parse, pieces, whole
from objrep_gym.data.export import DrawnPacking, Packing, export_scenes
from objrep_gym.data.published import Published
from objrep_gym.experiments.card import PICTURE, Kept, Origin, card
from objrep_gym.experiments.describing import describable, described
from objrep_gym.experiments.judging import Judging, Refused, by_bound, by_members, by_segments
from objrep_gym.experiments.kinds import RUN, as_run, read_run
from objrep_gym.experiments.rooms import of_rooms
from objrep_gym.experiments.saved import step_of
from objrep_gym.journal import NAME, encode, read
from objrep_gym.models.base import SlotModule
from objrep_gym.models.parallel_vae import ParallelVAE
from objrep_gym.weights import Dtype
from objrep_gym.weights.files import digest, read_header, replacing
from objrep_gym.wrappers.describe import ABOUT, PROBE, Probe, load_probe, save_probe

EXAMS = (
    "objects-room:variant=train,look=published",
    "objects-room:variant=identical-color,look=published",
    "objects-room:variant=six-objects,look=published",
    "objects-room:variant=train,look=plain",
    "objects-room:variant=reach,look=plain",
    "objects-room:variant=reach-ring,look=plain",
    "objects-room:variant=train,look=textured",
    "objects-room:variant=identical-color,look=textured",
)
JOINED = " and "  # between machines
LINES = 500  # of a journal that stay with the weights
STORED = {"F32": "float32", "BF16": "bf16", "F16": "fp16", "I8": "int8"}


@dataclass(frozen=True)
class Exporting:
    """How a run is exported."""

    dtype: Dtype = "fp16"
    """What numbers are kept in; loading gives float32 again."""
    exams: tuple[str, ...] = ()
    """Data that a model is judged on, of the test split: if none are named, rooms for one with masks that learned rooms,
    and else what it learned on."""
    count: int = 1000
    """Scenes of each."""
    probe: int = 1000
    """Scenes of each of the run's data that a probe is judged on; it is fitted to three times as many others in all."""


def exporter(what: str) -> tuple[type, str, Callable[..., Path]]:
    """How `what` is exported: the options, what it is in words, and what does it. Raises ValueError on what is neither a
    run, nor weights, nor a dataset."""
    from objrep_gym.experiments.planned import Planning, awaited, plan  # the queue, which exports what it trained

    path = Path(what)
    if (path / RUN).is_file() or (path / weights.CONFIG).is_file() or what in weights.published():
        return Exporting, f"{what}, a run", export
    if weights.NAME.fullmatch(what) and what in awaited():
        return Planning, f"{what}, which is not trained yet", plan
    if path.is_dir() and not any(path.glob("*.parquet")):
        raise ValueError(f"{path} holds neither a training run ({RUN}) nor scenes (*.parquet)")
    described = parse(what)
    if isinstance(described, (Path, Published)):
        return Packing, f"{what}, which is stored", export_scenes
    return DrawnPacking, f"{what}, which is drawn", export_scenes


def export(run: Path | str, out: Path | str, how: Exporting = Exporting(), progress: bool = True) -> Path:
    """Writes weights.safetensors, config.json, card.md, a picture, the journal's losses and, where there can be one, a
    probe of `run` to the folder `out`. `run` is a run directory, or weights that were exported before.

    The folder's name is the weights' published name. Raises WeightsError on a run without weights, and `judging.Refused`
    where `out` holds anything else, where a weight is beyond what `dtype` can hold, or where rounding costs too much.
    """
    found, out = weights.resolve(run), Path(out).resolve()
    assert isinstance(found, Path)
    check(out)
    origin, lines, model = origin_of(found), thinned(found / NAME), weights.load(found)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        beside = rounded(Path(name) / out.name, model, how.dtype)
        judged = judge(found, beside, origin, how, progress)
        kept = kept_in(found, how.dtype, judged.moved)
        probe = probe_of(found, beside, origin, how, progress)
        if probe is not None:
            save_probe(beside, probe, weights.read_config(beside)[1]["sha256"])
        whole.write(beside / PICTURE, judged.picture)
        whole.write(beside / weights.CARD, card(beside, origin, judged, kept, probe))
        about = {"step": origin.step, "judged": judged.records, "again": judged.again, "kept": vars(kept)}
        named = {file.name: digest(file.read_bytes()) for file in sorted(beside.iterdir()) if file.name in OTHERS}
        run_of = {"run": to_json(origin.run), "made": dict(origin.made)}
        weights.save(beside, model, dtype=how.dtype, **about, **run_of, beside=named)
        if lines:
            whole.write(beside / NAME, "".join(map(encode, lines)))
        replace_all(out, beside)
    return out


def rounded(folder: Path, model: SlotModule, dtype: Dtype) -> Path:
    """A folder with the weights in `dtype`. Raises Refused on one that is beyond what that can hold."""
    try:
        return weights.save(folder, model, dtype=dtype)
    except OverflowError as error:
        raise Refused(f"{error}, which --dtype says") from error


def probe_of(run: Path, exported: Path, origin: Origin, how: Exporting, progress: bool) -> Probe | None:
    """The probe of exported weights: that of an earlier export where the weights are the same and as much was asked, else a
    new one; none of a model or of data that can have none."""
    model, data = weights.load(exported), origin.run.data
    if not describable(model, data):
        return None
    before, now = (weights.read_config(folder)[1]["sha256"] for folder in (run, exported))
    if before == now and (run / ABOUT).exists():
        known = load_probe(run)
        if [(record["data"], record["count"]) for record in known.about["judged"]] == [(text, how.probe) for text in data]:
            return known
    return described(model, data, how.probe, progress)


OTHERS = (weights.CARD, PICTURE, PROBE, ABOUT)
"""What config.json holds the digests of, beside that of the weights."""


def replace_all(out: Path, made: Path) -> None:
    """The files of `made` in `out`, and none of an earlier export. A kill at any moment leaves a folder whose weights load,
    those of before or those of after, and which can be exported to once more."""
    out.mkdir(exist_ok=True)
    whole.sweep(out)
    described = json.loads((made / weights.CONFIG).read_text(encoding="utf-8"))
    with replacing(out, (made / weights.WEIGHTS).read_bytes(), described):
        for name in (*OTHERS, NAME):
            if (made / name).exists():
                whole.write(out / name, (made / name).read_bytes())
            else:
                (out / name).unlink(missing_ok=True)


def origin_of(folder: Path) -> Origin:
    """The run behind a folder, from what it was begun with, or from what an earlier export kept of it. Raises ValueError
    where neither is known."""
    step, path = step_of(folder), folder / RUN
    if path.is_file():
        return Origin(read_run(folder), step, made_with(json.loads(path.read_text(encoding="utf-8")), folder))
    described = json.loads((folder / weights.CONFIG).read_text(encoding="utf-8"))
    if not {"run", "made"} <= described.keys():
        raise ValueError(f"{folder} does not say what made its weights: export the run directory itself")
    return Origin(as_run(described["run"], folder / weights.CONFIG), step, described["made"])


def made_with(begun: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What a run directory was made with; where it went on from weights, what these were made with before is added."""
    before = begun.get("before", {"step": -1, "seconds": 0.0})
    machines = [*before.get("machine", "").split(JOINED), begun.get("machine", "an unknown machine")]
    return {
        **{name: begun.get(name) for name in ("versions", "commit")},
        "machine": JOINED.join(name for name in dict.fromkeys(machines) if name),
        "seconds": before["seconds"] + seconds(folder, before["step"]),
    }


def kept_in(folder: Path, dtype: Dtype, moved: dict[str, float]) -> Kept:
    """What is known of rounding: what was measured now, or, of weights that were rounded before, what was measured then."""
    known = {STORED[entry.dtype] for entry in read_header(folder / weights.WEIGHTS).values() if entry.dtype in STORED}
    before = next(name for name in ("int8", "fp16", "bf16", "float32") if name in known)
    if before != dtype or dtype == "float32":
        return Kept(dtype, before, moved)
    earlier = json.loads((folder / weights.CONFIG).read_text(encoding="utf-8")).get("kept")
    return Kept(**earlier) if earlier else Kept(dtype, "float32", {})


def thinned(journal: Path) -> list[dict[str, Any]]:
    """Lines of a journal, evenly spaced if there are too many to keep; the last is among them."""
    lines = list(read(journal)) if journal.exists() else []
    step = -(-len(lines) // LINES) or 1
    return lines[::-1][::step][::-1]


def check(out: Path) -> None:
    """Raise Refused unless `out` is new, empty, or an earlier export, with what kills left of writing it."""
    if out.exists() and not (out.is_dir() and all(exported(file.name) for file in out.iterdir())):
        raise Refused(f"{out} holds something else than exported weights: choose another folder")


def exported(name: str) -> bool:
    """Whether a file is one of an export, a piece of its weights, or what a kill left of writing either."""
    partial = whole.PARTIAL.fullmatch(name)
    name = partial[1] if partial else name
    piece = pieces.PIECE.fullmatch(name)
    return name in (weights.WEIGHTS, weights.CONFIG, NAME, *OTHERS) or bool(piece and piece["name"] == weights.WEIGHTS)


def judge(run: Path, exported: Path, origin: Origin, how: Exporting, progress: bool) -> Judging:
    """By segments on all exams; members that have a kind each by these, on one exam, or the run's last data, which show
    them all; another model that has no masks by its bound, on one exam, or the run's first data."""
    model, own = weights.load(exported), origin.run.data
    if model.has_masks:
        exams = how.exams or (EXAMS if of_rooms(own[0]) else tuple(dict.fromkeys(own)))
        return by_segments(run, exported, exams, how.count, progress)
    if isinstance(model, ParallelVAE):
        return by_members(run, exported, (*own, *how.exams[:1])[-1], how.count, progress)
    return by_bound(run, exported, (*how.exams, *own)[0], how.count, progress)


def seconds(run: Path, after: int = -1) -> float:
    """Time that a run was at work beyond a step, from its journal: pauses between two calls are left out."""
    times: Sequence[float] = [line["time"] for line in read(run / NAME) if (line.get("step") or 0) > after]
    gaps = sorted(b - a for a, b in pairwise(times))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    return sum((gap for gap in gaps if gap < 20 * usual), 0.0)
