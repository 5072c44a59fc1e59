"""The card of weights: what was trained on what, for how long, on which machine, and how good it is. Generated from the run
and from measurements; nothing in it is typed."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from objrep_gym import weights
from objrep_gym.data import DATASETS, drawn, parse, pieces
from objrep_gym.data.digit_pairs import DigitPairs
from objrep_gym.experiments import describing
from objrep_gym.experiments.judge import COLUMNS, METRICS
from objrep_gym.experiments.judging import Judging
from objrep_gym.experiments.kinds import RUN, Run, total
from objrep_gym.experiments.members_figure import COLUMNS as MEMBERS
from objrep_gym.experiments.one_object import COLUMNS as SUITE
from objrep_gym.experiments.provenance import told as provenance
from objrep_gym.experiments.reproduce import find, names
from objrep_gym.experiments.starting import TRUNK
from objrep_gym.figures.tables import Column, as_markdown
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS, changes, preset_of
from objrep_gym.models.base import Config, SlotModule
from objrep_gym.training import Stage
from objrep_gym.wrappers.describe import Probe

PICTURE = "decomposition.png"
LICENCE = "Apache-2.0, as the package."
DRAWN, FOREIGN = (
    "The scenes that it was trained on are drawn by the package.",
    "The pictures that it was trained on are others' and under terms of their own.",
)


@dataclass(frozen=True)
class Origin:
    """Where weights come from: what was asked for, how many steps of it were done, and what with: `versions`, `machine`,
    `commit` and `seconds` at work."""

    run: Run
    step: int
    made: Mapping[str, Any]


@dataclass(frozen=True)
class Kept:
    """In what numbers weights are kept, from what they were rounded, and by how much that moved each metric; nothing moved,
    if nobody knows."""

    dtype: str
    before: str
    moved: Mapping[str, float]


def card(exported: Path, origin: Origin, judged: Judging, kept: Kept, probe: Probe | None) -> str:
    """The model card, in Markdown."""
    lines = [f"# {exported.name}", "", f"![Held-out scenes, taken apart]({PICTURE})", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in facts(exported, origin, kept).items()), ""]
    lines += [*made_by(origin.run, exported.name), heading(origin.run), ""]
    for table in judged.tables:
        lines += [f"**{table.title}**", "", as_markdown(table), ""]
    lines += [fixed(judged.again), ""]
    if probe is not None:
        lines += ["## What slots say", "", PROBE.format(name=exported.name, **probe.about["fitted"]), ""]
        table = describing.as_table(probe.about["judged"])
        lines += [f"**{table.title}**", "", as_markdown(table), ""]
    return "\n".join(lines)


PROBE = """`Describer("{name}")` of `objrep_gym.wrappers.describe`, and `objrep-gym encode {name} … --describe`, name what
each slot holds. The lines behind it were fitted to {things:,} objects in {count:,} scenes of the {split} split."""


def facts(exported: Path, origin: Origin, kept: Kept) -> dict[str, str]:
    """The rows of the card's first table."""
    run, model = origin.run, weights.load(exported)
    size = sum(piece.stat().st_size for piece in pieces.pieces(exported / weights.WEIGHTS))
    steps = f"{origin.step:,} of {total(run):,} steps of {run.batch}"
    return {
        **measures(run.model, model),
        "trained on": ", ".join(f"`{data}`" for data in run.data) + (", mixed evenly" if len(run.data) > 1 else ""),
        "scenes": scenes(run),
        "seen": f"{origin.step * run.batch:,} images in {steps}",
        "took": f"{timedelta(seconds=round(origin.made['seconds']))} of {origin.made['machine']}",
        "seed": str(run.seed),
        **{name: value for name, value in provenance(origin.made).items() if name != "machine"},
        "file": f"{size / 1e6:.1f} MB, numbers kept in {kept.dtype}",
        "rounding": rounding(kept),
        "licence": licence(run),
    }


def made_by(run: Run, name: str) -> list[str]:
    """Lines of the command that makes weights of this name, and of the data that it wants."""
    return ["Made by", "", "```sh", command(run, f"runs/{name}"), "```", "", *wanted(run)]


def wanted(run: Run) -> list[str]:
    """Lines on data that whoever makes the weights again brings along."""
    sets = dict.fromkeys(text.partition(":")[0] for text in run.data)
    by_hand = [f"`{name}`" for name in sets if name in DATASETS and name not in drawn()]
    if not by_hand:
        return []
    told = f"The files behind {', '.join(by_hand)} are downloaded by hand, into a folder that OBJREP_GYM_DATA names"
    return [f"{told}: where they are missing, the command says whence they come.", ""]


HEADINGS = ("## On held-out scenes", "## On scenes of the grid")


def heading(run: Run) -> str:
    """Over what was measured."""
    return HEADINGS[1 if describing.of_grids(run.data) else 0]


def measures(config: Config, model: SlotModule) -> dict[str, str]:
    """How large a model is, and what it takes and gives; its weights may be on the meta device."""
    return {
        "model": f"`{preset_of(config)}`, {parameters(model):,} parameters",
        "slots": f"{model.slots} of {model.latent_size} numbers",
        "pictures": f"{model.size[1]}×{model.size[2]}, {model.size[0]} channels",
    }


def scenes(run: Run) -> str:
    """Which of its data a run saw."""
    if size := describing.of_grids(run.data):
        return f"the whole grid of {size:,}, shuffled by seed {run.seed}: every split is all of it in another order"
    if describing.worlds(run.data):
        return f"split `train`, seed {run.seed}, drawn while training: no scene comes twice"
    if all(isinstance(parse(text), DigitPairs) for text in run.data):
        return f"split `train`, seed {run.seed}, put together while training from that split's pictures"
    return f"as they are stored, shuffled by seed {run.seed}"


def licence(run: Run) -> str:
    """Of the weights, and whose the pictures were."""
    return f"{LICENCE} {DRAWN if describing.worlds(run.data) else FOREIGN}"


def rounding(kept: Kept) -> str:
    """What rounding did to the metrics of the first exam."""
    if kept.dtype == kept.before == "float32":
        return "none"
    if not kept.moved:
        return "no rate moved by more than 0.005, or it would not have been exported; by how much was not kept"
    known = {**SUITE, **MEMBERS, **COLUMNS, "test": Column("counting", "rate"), "mse": Column("MSE", "small", digits=2)}
    moved = (f"{known[name].head} {value * known[name].scale:+.2f}" for name, value in kept.moved.items())
    return f"from {kept.before}: {', '.join(moved)}"


def fixed(again: Mapping[str, Any]) -> str:
    """What a few fixed scenes gave, in a sentence."""
    shown = {**{name: COLUMNS[name] for name in METRICS[:2]}, "test": Column("right counts", "rate")}
    told = [
        f"{column.head} {again[name] * column.scale:.1f} [{again[f'{name}_low'] * column.scale:.1f}, "
        f"{again[f'{name}_high'] * column.scale:.1f}]"
        for name, column in shown.items()
        if again.get(name) is not None
    ]
    told = ", ".join(told) or f"MSE ×10⁻³ {again['mse'] * 1000:.2f}"
    return f"On the first {again['count']} scenes of `{again['data']}`, which a test measures again: {told}."


def command(run: Run, out: str) -> str:
    """The command that performs a run of one stage, after that of a run which it starts from; where one of them has several
    stages, that of an experiment which shows the run."""
    before = run.start.weights if run.start is not None else None
    if not in_single_stages(run):
        models = (name for name in names() if not name.startswith("control/"))  # agents' tables want stable-baselines3
        shown = next((name for name in models if run in runs_of(find(name))), None)
        return f"objrep-gym reproduce {shown} --anew" if shown else f"# a run of {len(run.stages)} stages, in {out}/{RUN}"
    if run.start is not None and isinstance(before, Run):
        made, begun = f"{out}-trunk", replace(run, start=replace(run.start, weights=f"{out}-trunk"))
        return f"{command(before, made)}\n{command(begun, out)}"
    words = ["objrep-gym", "train", name := preset_of(run.model), "--data", *run.data]
    words += [word for option in options(run, name) for word in option]
    return shlex.join([*words, "--out", out])


def in_single_stages(run: Run) -> bool:
    """Whether a run has one stage, and what it starts from too: the command line trains no others."""
    before = run.start.weights if run.start is not None else None
    return len(run.stages) == 1 and (not isinstance(before, Run) or in_single_stages(before))


def runs_of(experiment: Any) -> list[Run]:
    """The trainings of an experiment's rows."""
    rows = getattr(experiment, "rows", None) or {"": getattr(experiment, "run", None)}
    return [run for run in (rows.values() if isinstance(rows, Mapping) else rows) if isinstance(run, Run)]


def options(run: Run, name: str) -> Iterator[list[str]]:
    """What a run says that the verb's defaults do not."""
    for field, value in changes(run.model, MODELS[name]).items():
        yield told(f"model.{field}", value)
    for field, value in changes(run.stages[0], Stage(0)).items():
        yield told(field, value)
    plain = Run(run.model)
    for field in ("batch", "precision", "seed"):
        if getattr(run, field) != getattr(plain, field):
            yield told(field, getattr(run, field))
    if run.start is not None:
        yield told("trunk", str(run.start.weights))
        if run.start.takes != TRUNK:
            yield told("takes", run.start.takes)


def told(field: str, value: Any) -> list[str]:
    """An option that changes a field, as words of a command: what is true or not is a flag, said only where it changes."""
    group, _, name = field.replace("_", "-").rpartition(".")
    prefix = f"--{group}." if group else "--"
    if isinstance(value, bool):
        return [f"{prefix}{'' if value else 'no-'}{name}"]
    return [f"{prefix}{name}", *(str(item) for item in (value if isinstance(value, tuple) else (value,)))]
