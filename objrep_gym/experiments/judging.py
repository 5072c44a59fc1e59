"""How weights that ship are judged: by segments where a model has masks, by kinds where it has a member for each, else by
their bound, and by counting where they have KL maps. Rounding is judged too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.data.watching import watching
from objrep_gym.experiments.apart import taken_apart
from objrep_gym.experiments.counting_table import CHOSEN, TESTED, cells, count, scores
from objrep_gym.experiments.counting_table import COLUMNS as COUNTING
from objrep_gym.experiments.entities import attention_sheet, sampled_sheet
from objrep_gym.experiments.judge import BASELINES, METRICS, Exam, as_table, evaluate
from objrep_gym.experiments.members import decomposed, look
from objrep_gym.experiments.members import scores as scores_of_members
from objrep_gym.experiments.members import shown_scenes as shown_members
from objrep_gym.experiments.members_figure import COLUMNS as MEMBERS
from objrep_gym.experiments.model_figure import COLUMNS as BOUNDS
from objrep_gym.experiments.model_figure import bounds, shown_scenes
from objrep_gym.experiments.rooms import SHOWN, held_out
from objrep_gym.figures.decomposition import decomposition
from objrep_gym.figures.style import drawn
from objrep_gym.figures.tables import Table
from objrep_gym.models.base import SlotModule
from objrep_gym.models.mvae import MVAE

MOVED = 0.005  # how far a rate may move where weights are rounded
CHOOSE, TEST = 6400, 12800  # the MVAE document's scenes for its threshold and for its test
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Judging:
    """What a card shows: `records` of every exam, made into `tables`, and a `picture`, a PNG."""

    records: Records
    tables: Sequence[Table]
    picture: bytes


def by_segments(run: Path, exported: Path, exams: Sequence[str], count: int, progress: bool) -> Judging:
    """Every exam, of the exported model and of the baselines; of the first also of the run itself."""
    records: Records = []
    for number, data in enumerate(exams):
        with watching(f"judge {data}", count, progress) as show:
            exam, tell = Exam(data=data, count=count), lambda done, show=show: show(done, "scenes")
            found = evaluate(str(exported), exam, tell)
            if number == 0:
                compare(evaluate(str(run), exam)[0], found[0], METRICS)
        records += [{**record, "model": exported.name if i == 0 else record["model"]} for i, record in enumerate(found)]
    several = 1 + len(BASELINES)  # records of each exam
    tables = [as_table(records[start : start + several]) for start in range(0, len(records), several)]
    parts = taken_apart(weights.load(exported), [held_out(*shown, seed=0) for shown in SHOWN])
    return Judging(records, tables, drawn(lambda: decomposition(parts), dpi=110))


def by_bound(run: Path, exported: Path, data: str, scenes: int, progress: bool) -> Judging:
    """The bound and the squared error on `scenes` test scenes of the model's own `data`, and the counts of one that has KL
    maps: its threshold chosen on the document's 6,400 scenes, or seven times `scenes` if that is less, and tested on twice
    as many."""
    model, before = weights.load(exported), weights.load(run)
    record: dict[str, Any] = {"model": exported.name, "data": data, "split": TESTED, "count": scenes}
    record |= bounds(model, data, scenes)
    compare(bounds(before, data, scenes), record, ("mse",))
    told = {name: float(record[name]) for name in ("bound", "nll", "kl", "mse")}
    columns = {name: BOUNDS[name] for name in told}
    tables = [Table(f"{data} test, {scenes:,} images", columns, {exported.name: told}, first="model")]
    image = shown_scenes(data, 8, 2)
    if not isinstance(model, MVAE):
        return Judging([record], tables, drawn(lambda: sampled_sheet(model, image), dpi=110))
    choose, test = min(CHOOSE, 7 * scenes), min(TEST, 14 * scenes)
    found = counted({"model": model, "run": before}, data, choose, test, progress)
    compare(found["run"], found["model"], ("test",))
    record |= {"chosen": choose, "tested": test, **found["model"]}
    notes = (f"Cells above a threshold chosen on {choose:,} scenes, tested on {test:,} others (Nash et al. 2017, §4.3).",)
    columns = {name: column for name, column in COUNTING.items() if name != "training"}
    rows = {exported.name: dict(cells({**found["model"], "step": None}))}
    tables.append(Table(f"Counting, {data}", columns, rows, notes=notes, first="model"))
    return Judging([record], tables, drawn(lambda: attention_sheet(model, image), dpi=110))


def by_members(run: Path, exported: Path, data: str, scenes: int, progress: bool) -> Judging:
    """What members that have a kind each do with `scenes` test scenes of `data`: the numbers of `members.scores`."""
    model, before = weights.load(exported), weights.load(run)
    with watching(f"judge {data}", 2 * scenes, progress) as show:
        seen = look(model, data, scenes, lambda done: show(done, "scenes"))
        old = look(before, data, scenes, lambda done: show(scenes + done, "scenes"))
    kinds = sorted(set(seen.kinds[~np.isnan(seen.kinds)].astype(int).tolist()))
    told, was = (scores_of_members(one, kinds, model.slots > 1) for one in (seen, old))
    compare(was, told, [name for name in ("ari", "purity", "mse") if name in told])
    record = {"model": exported.name, "data": data, "split": TESTED, "count": scenes, **told}
    columns = {name: column for name, column in MEMBERS.items() if name in told}
    tables = [Table(f"{data} test, {scenes:,} images", columns, {exported.name: told}, first="model")]
    image = shown_members(data, 8, model.size[0])
    names = tuple(f"VAE {k}" for k in range(model.slots))
    return Judging([record], tables, drawn(lambda: decomposed(model, image, names), dpi=110))


def counted(
    models: Mapping[str, SlotModule], data: str, choose: int, test: int, progress: bool
) -> dict[str, dict[str, Any]]:
    """The scores of counting of every model, by its name."""
    with watching(f"count {data}", choose + test, progress) as show:
        chosen, truth = count(models, data, CHOSEN, choose, False, lambda done: show(done, "scenes"))
        tested, new = count(models, data, TESTED, test, False, lambda done: show(choose + done, "scenes"))
    return {name: scores(chosen[name], truth, tested[name], new) for name in models}


def compare(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> None:
    """Raise ValueError where a metric moved by more than `MOVED` when the weights were rounded."""
    for name in names:
        if before[name] is not None and abs(before[name] - after[name]) > MOVED:
            raise ValueError(
                f"rounding moved {name} from {before[name]:.4f} to {after[name]:.4f}, more than {MOVED}: export with "
                "--dtype float32"
            )
