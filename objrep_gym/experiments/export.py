"""A training run becomes weights that people can use: half as large, judged on held-out scenes, with a card and a picture.

The card is generated from the run and from this measurement; nothing in it is typed.
"""

import json
import shlex
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from objrep_gym import weights
from objrep_gym.configs import to_json
from objrep_gym.data import parse, pieces, whole
from objrep_gym.data.export import DrawnPacking, Packing, export_scenes
from objrep_gym.data.published import Published
from objrep_gym.experiments.judging import Judging, by_bound, by_members, by_segments
from objrep_gym.experiments.kinds import RUN, Run, read_run, total
from objrep_gym.experiments.reproduce import find, names
from objrep_gym.figures.tables import Table, as_markdown
from objrep_gym.journal import NAME, encode, read
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS, changes, preset_of
from objrep_gym.models.parallel_vae import ParallelVAE
from objrep_gym.training import Stage

PICTURE = "decomposition.png"
EXAMS = (
    "objects-room:variant=train,look=published",
    "objects-room:variant=identical-color,look=published",
    "objects-room:variant=six-objects,look=published",
    "objects-room:variant=train,look=plain",
    "objects-room:variant=reach,look=plain",
    "objects-room:variant=reach-ring,look=plain",
)
LINES = 500  # of a journal that stay with the weights
LICENCE = "Apache-2.0, as the package. The scenes that it was trained on are drawn by the package."


Dtype = Literal["float32", "bf16", "fp16"]


@dataclass(frozen=True)
class Exporting:
    """How a run is exported."""

    dtype: Dtype = "fp16"
    """What numbers are kept in; loading gives float32 again."""
    exams: tuple[str, ...] = EXAMS
    """Data that a model with masks is judged on, of the test split; one without is judged on its own."""
    count: int = 1000
    """Scenes of each."""


def exporter(what: str) -> tuple[type, str, Callable[..., Path]]:
    """How `what` is exported: the options, what it is in words, and what does it. Raises ValueError on what is neither a
    run nor a dataset."""
    path = Path(what)
    if (path / RUN).is_file():
        return Exporting, f"{what}, a run", export
    if path.is_dir() and not any(path.glob("*.parquet")):
        raise ValueError(f"{path} holds neither a training run ({RUN}) nor scenes (*.parquet)")
    described = parse(what)
    if isinstance(described, (Path, Published)):
        return Packing, f"{what}, which is stored", export_scenes
    return DrawnPacking, f"{what}, which is drawn", export_scenes


def export(run: Path | str, out: Path | str, how: Exporting = Exporting(), progress: bool = True) -> Path:
    """Writes weights.safetensors, config.json, card.md, a picture and the journal's losses of `run` to the folder `out`.

    The folder's name is the weights' published name. Raises WeightsError on a run without weights, ValueError where `out`
    holds anything else, or where rounding moves a rate by more than `judging.MOVED`.
    """
    run, out = Path(run), Path(out)
    check(out)
    model = weights.load(run)
    step = json.loads((run / weights.CONFIG).read_text(encoding="utf-8")).get("step")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        beside = weights.save(Path(name) / out.name, model, dtype=how.dtype)
        judged = judge(run, beside, how, progress)
        weights.save(beside, model, dtype=how.dtype, step=step, judged=judged.records, run=to_json(read_run(run)))
        whole.write(beside / PICTURE, judged.picture)
        whole.write(beside / weights.CARD, card(run, beside, judged.tables, step))
        whole.write(beside / NAME, "".join(map(encode, thinned(run / NAME))))
        out.mkdir(exist_ok=True)
        for file in sorted(beside.iterdir()):
            whole.write(out / file.name, file.read_bytes())
        for stale in pieces.cuttings(out / weights.WEIGHTS):
            stale.unlink()
    return out


def thinned(journal: Path) -> list[dict[str, Any]]:
    """Lines of a journal, evenly spaced if there are too many to keep; the last is among them."""
    lines = list(read(journal)) if journal.exists() else []
    step = -(-len(lines) // LINES) or 1
    return lines[::-1][::step][::-1]


def check(out: Path) -> None:
    """Raise ValueError unless `out` is new, empty, or an earlier export."""
    own = {weights.WEIGHTS, weights.CONFIG, weights.CARD, PICTURE, NAME}
    own |= {piece.name for piece in pieces.cuttings(out / weights.WEIGHTS)}
    if out.exists() and (not out.is_dir() or {file.name for file in out.iterdir()} - own):
        raise ValueError(f"{out} holds something else than exported weights: choose another folder")


def judge(run: Path, exported: Path, how: Exporting, progress: bool) -> Judging:
    """By segments on the exams; members that have a kind each by these, on the run's own last data, which shows all of
    them; another model that has no masks by its bound, on the run's own first data."""
    model = weights.load(exported)
    if model.has_masks:
        return by_segments(run, exported, how.exams, how.count, progress)
    if isinstance(model, ParallelVAE):
        return by_members(run, exported, read_run(run).data[-1], how.count, progress)
    return by_bound(run, exported, read_run(run).data[0], how.count, progress)


def card(run: Path, exported: Path, tables: Sequence[Table], step: int | None) -> str:
    """The model card, in Markdown."""
    described = read_run(run)
    made = json.loads((run / RUN).read_text(encoding="utf-8"))
    model = weights.load(exported)
    seen, steps = (step or 0) * described.batch, f"{step or 0:,} of {total(described):,} steps"
    facts = {
        "model": f"`{preset_of(described.model)}`, {parameters(model):,} parameters",
        "slots": f"{model.slots} of {model.latent_size} numbers",
        "pictures": f"{model.size[1]}×{model.size[2]}, {model.size[0]} channels",
        "trained on": ", ".join(f"`{data}`" for data in described.data) + ", mixed evenly, drawn while training",
        "seen": f"{seen:,} images in {steps} of {described.batch}",
        "took": f"{timedelta(seconds=round(seconds(run)))} of {made.get('machine', 'an unknown machine')}",
        "seed": str(described.seed),
        "versions": ", ".join(f"{name} {version}" for name, version in made["versions"].items()),
        "commit": made["commit"] or "none",
        "file": f"{(exported / weights.WEIGHTS).stat().st_size / 1e6:.1f} MB",
        "licence": LICENCE,
    }
    lines = [f"# {exported.name}", "", f"![Held-out scenes, taken apart]({PICTURE})", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts.items()), ""]
    lines += ["Made by", "", "```sh", command(described, f"runs/{exported.name}"), "```", "", "## On held-out scenes", ""]
    for table in tables:
        lines += [f"**{table.title}**", "", as_markdown(table), ""]
    return "\n".join(lines)


def command(run: Run, out: str) -> str:
    """The command that performs a run of one stage, after that of a run whose trunk it starts from; of several stages, that
    of an experiment that shows it."""
    if len(run.stages) > 1:
        shown = next((name for name in names() if run in runs_of(find(name))), None)
        return f"objrep-gym reproduce {shown}" if shown else f"# a run of {len(run.stages)} stages, in {out}/{RUN}"
    if run.start is not None and isinstance(run.start.weights, Run):
        before, begun = f"{out}-trunk", replace(run, start=replace(run.start, weights=f"{out}-trunk"))
        return f"{command(run.start.weights, before)}\n{command(begun, out)}"
    words = ["objrep-gym", "train", name := preset_of(run.model), "--data", *run.data]
    words += [word for option in options(run, name) for word in option]
    return shlex.join([*words, "--out", out])


def runs_of(experiment: Any) -> list[Run]:
    """The trainings of an experiment's rows."""
    rows = getattr(experiment, "rows", None) or {"": getattr(experiment, "run", None)}
    return [run for run in (rows.values() if isinstance(rows, Mapping) else rows) if isinstance(run, Run)]


def options(run: Run, name: str) -> Iterator[list[str]]:
    """What a run says that the verb's defaults do not."""
    for field, value in changes(run.model, MODELS[name]).items():
        yield [f"--model.{field.replace('_', '-')}", *told(value)]
    for field, value in changes(run.stages[0], Stage(0)).items():
        yield [f"--{field.replace('_', '-')}", *told(value)]
    plain = Run(run.model)
    for field in ("batch", "precision", "seed"):
        if getattr(run, field) != getattr(plain, field):
            yield [f"--{field}", *told(getattr(run, field))]
    if run.start is not None:
        yield ["--trunk", str(run.start.weights)]


def told(value: Any) -> list[str]:
    return [str(item) for item in (value if isinstance(value, tuple) else (value,))]


def seconds(run: Path) -> float:
    """Time that a run was at work, from its journal: pauses between two calls are left out."""
    times = [line["time"] for line in read(run / NAME)]
    gaps = sorted(b - a for a, b in pairwise(times))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    return sum((gap for gap in gaps if gap < 20 * usual), 0.0)
