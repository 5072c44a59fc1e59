"""How weights that ship are judged: by segments where a model has masks, by kinds where it has a member for each, else by
their bound, and by counting where they have KL maps. Rounding is judged too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from objrep_gym import weights
from objrep_gym.data import open_source, parse
from objrep_gym.data.watching import watching
from objrep_gym.experiments import one_object
from objrep_gym.experiments.apart import taken_apart
from objrep_gym.experiments.counting_table import CHOSEN, COMMONEST, TESTED, Counts, cells, count, right, scores
from objrep_gym.experiments.counting_table import COLUMNS as COUNTING
from objrep_gym.experiments.entities import attention_sheet, sampled_sheet
from objrep_gym.experiments.judge import COLUMNS, METRICS, Exam, as_table, described, evaluate
from objrep_gym.experiments.leaderboard.dsprites import EXPERIMENT as BOARD
from objrep_gym.experiments.members import decomposed, look
from objrep_gym.experiments.members import scores as scores_of_members
from objrep_gym.experiments.members import shown_scenes as shown_members
from objrep_gym.experiments.members_figure import COLUMNS as MEMBERS
from objrep_gym.experiments.model_figure import COLUMNS as BOUNDS
from objrep_gym.experiments.model_figure import bounds, shown_scenes
from objrep_gym.experiments.monet_rn50.table_5_2 import EXPERIMENT as TABLE_5_2
from objrep_gym.experiments.mvae.counting import DOCUMENT
from objrep_gym.experiments.rooms import SHOWN, held_out, of_rooms
from objrep_gym.figures.decomposition import decomposition
from objrep_gym.figures.style import drawn
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.metrics.counting import count_by_kl
from objrep_gym.metrics.intervals import Interval
from objrep_gym.models import preset_of
from objrep_gym.models.base import Config, SlotModule
from objrep_gym.models.mvae import MVAE
from objrep_gym.scenes.view import View
from objrep_gym.types import recolour

MOVED = 0.005  # how far a rate may move where weights are rounded
GREW = 0.1  # and by what share of it a squared error
CHOOSE, TEST = 6400, 12800  # the MVAE document's scenes for its threshold and for its test
PICTURED = 8  # scenes in a card's picture
SUITED = 20  # times as many pictures for the suite of one thing: a model of one slot is small
AGAIN = 100  # scenes on which whoever has the weights can measure them again
THESIS = "Objects Room, test"  # the table of Berriel 2022 that has this exam's numbers
LIKE = ("monet-rn50-star", "monet-rn50", "monet", "genesis-v2", "slot-attention")
ROWS = dict(zip(LIKE, ("MONet-RN50*", "MONet-RN50", "MONet", "GENESIS-v2", "Slot Attention"), strict=True))
"""Which row of the thesis a preset is held against: the first of LIKE that its name begins with."""
Records = list[dict[str, Any]]


class Refused(ValueError):
    """Weights that are not exported as was asked: rounding costs too much, or something else is where they would go."""


@dataclass(frozen=True)
class Judging:
    """What a card shows: `records` of every exam, made into `tables`, and a `picture`, a PNG; `moved`, by how much rounding
    moved each metric; and `again`, what a few fixed scenes give, to be measured again: `data`, `count`, and metrics with
    their bounds."""

    records: Records
    tables: Sequence[Table]
    picture: bytes
    moved: dict[str, float]
    again: dict[str, Any]


def by_segments(run: Path, exported: Path, exams: Sequence[str], count: int, progress: bool) -> Judging:
    """Every exam, of the exported model and of the baselines; of the first also of the run itself. Each record keeps its
    exam's own words, as `exam`."""
    records: Records = []
    tables: list[Table] = []
    moved: dict[str, float] = {}
    model = weights.load(exported)
    for number, data in enumerate(exams):
        exam, found = Exam(data=data, count=count), known_of(run, exported, data, count)
        if not found:
            found = sat(exported, exam, progress)
            moved |= compare(evaluate(str(run), exam)[0], found[0], METRICS) if number == 0 else {}
        found = [
            {**record, "exam": data, "model": exported.name if i == 0 else record["model"]}
            for i, record in enumerate(found)
        ]
        records += found
        tables.append(beside_thesis(data, titled(data, as_table(found), found[0]), model.config))
    parts = taken_apart(model, *shown_of(exams[0]))
    again = evaluate(str(exported), Exam(data=exams[0], count=min(count, AGAIN)))[0]
    again |= {"data": exams[0], "model": exported.name}
    return Judging(records, tables, drawn(lambda: decomposition(parts), dpi=110), moved, again)


def titled(data: str, table: Table, record: Mapping[str, Any]) -> Table:
    """The table of an exam, whose title says all that the exam names, where that is more than a variant and a look."""
    if plain(data):
        return table
    return replace(table, title=f"{data} {record['split'] or ''}".rstrip() + f", {record['count']:,} images")


def plain(data: str) -> bool:
    """Whether an exam names its variant and its look at most, so that a record's own words tell it from any other."""
    options = data.partition(":")[2].split(",")
    return all(option.partition("=")[0] in ("", "variant", "look") for option in options)


def shown_of(data: str) -> tuple[list[View], int]:
    """What a card shows of scenes, and how many ids are background there: rooms as figures do, of other data the first of
    the test split."""
    source = open_source(data, split=TESTED)
    try:
        views = (
            [held_out(*s, seed=0) for s in SHOWN]
            if of_rooms(data)
            else [source.read(np.arange(PICTURED), ("image", "mask"))]
        )
        return views, source.about.background
    finally:
        source.close()


def sat(exported: Path, exam: Exam, progress: bool) -> Records:
    """What the exported model and the baselines get in an exam."""
    with watching(f"judge {exam.data}", exam.count, progress) as show:
        return evaluate(str(exported), exam, lambda done: show(done, "scenes"))


def known_of(run: Path, exported: Path, data: str, count: int) -> Records:
    """What an earlier export of these very weights measured in this exam; nothing where that was not asked."""
    before, now = (weights.read_config(folder)[1] for folder in (run, exported))
    if before["sha256"] != now["sha256"]:
        return []
    wanted = {**described(Exam(data=data)), "count": count}
    known = [record for record in before.get("judged", []) if wanted.items() <= record.items()]
    return [record for record in known if (record["exam"] == data if "exam" in record else plain(data))]


def beside_thesis(data: str, table: Table, config: Config) -> Table:
    """The table of the exam that the thesis has too, with its numbers, and how far they are."""
    if parse(data) != parse(TABLE_5_2.exams[THESIS].data):
        return table
    paper, name = TABLE_5_2.paper[THESIS], preset_of(config)
    row = next((ROWS[like] for like in LIKE if name.startswith(like)), None)
    own = next(iter(table.rows.values()))
    notes = ["Paper: Berriel 2022, Table 5.2, and what it cites."]
    if row is not None:
        apart = [
            f"{COLUMNS[metric].head} {distance(own.get(metric), text, COLUMNS[metric])}"
            for metric, text in paper[row].items()
        ]
        notes.append(f"To {row} there: {', '.join(apart)}.")
    return replace(table, paper=paper, notes=(*table.notes, *notes))


def distance(cell: Cell, paper: str, column: Column) -> str:
    """Ours less a document's number, in the unit of the column."""
    assert isinstance(cell, Interval)
    return f"{cell.mean * column.scale - float(paper.partition('±')[0]):+.1f}"


def by_bound(run: Path, exported: Path, data: str, scenes: int, progress: bool) -> Judging:
    """The bound and the squared error on `scenes` test scenes of the model's own `data`, and the counts of one that has KL
    maps: its threshold chosen on the document's 6,400 scenes, or seven times `scenes` if that is less, and tested on twice
    as many."""
    model, before = weights.load(exported), weights.load(run)
    record: dict[str, Any] = {"model": exported.name, "data": data, "split": TESTED, "count": scenes}
    record |= bounds(model, data, scenes)
    moved = compare(bounds(before, data, scenes), record, ("mse",))
    told = {name: float(record[name]) for name in ("bound", "nll", "kl", "mse")}
    columns = {name: BOUNDS[name] for name in told}
    tables = [Table(f"{data} test, {scenes:,} images", columns, {exported.name: told}, first="model")]
    image, few = recolour(shown_scenes(data, PICTURED, min(2, model.slots)), model.size[0]), min(scenes, AGAIN)
    again = {"data": data, "count": few, "mse": bounds(model, data, few)["mse"]}
    suited, shifted = by_suite(run, exported, data, SUITED * scenes)
    tables, moved = [*tables, *suited], moved | shifted
    if not isinstance(model, MVAE):
        return Judging([record], tables, drawn(lambda: sampled_sheet(model, image), dpi=110), moved, again)
    choose, test = min(CHOOSE, 7 * scenes), min(TEST, 14 * scenes)
    found, commonest = counted({"model": model, "run": before}, data, choose, test, progress)
    moved |= compare(found["run"], found["model"], ("test",))
    record |= {"chosen": choose, "tested": test, **found["model"], **{f"commonest_{k}": v for k, v in commonest.items()}}
    maps, truth = count({"model": model}, data, TESTED, few, False, lambda done: None)
    again |= {"nats": record["nats"], **right(counts_of(maps["model"], record["nats"]) == truth, "test")}
    tables.append(counting_table(exported.name, data, record, commonest))
    return Judging([record], tables, drawn(lambda: attention_sheet(model, image), dpi=110), moved, again)


def by_suite(run: Path, exported: Path, data: str, scenes: int) -> tuple[list[Table], dict[str, float]]:
    """Tables of what the one slot of a model tells of the one thing in a picture, with what is published of dSprites, and
    by how much rounding moved it; nothing of another model, and on other data."""
    usually = one_object.usual([str(exported)], data, TESTED)
    if usually is None:
        return [], {}
    exam = Exam(data, TESTED, min(usually[0], scenes), batch=usually[1])
    (was, *_), found = (one_object.evaluate([str(ref)], exam) for ref in (run, exported))
    named = [{**record, "model": record["model"].replace(str(exported), exported.name)} for record in found]
    first, *others = one_object.as_tables(named)
    paper = BOARD.paper if data.partition(":")[0] == "dsprites" else {}
    return [replace(first, paper=paper), *others], compare(was, found[0], ("factor_vae", "mig"))


def counting_table(name: str, data: str, record: Mapping[str, Any], commonest: Mapping[str, Any]) -> Table:
    """How often a model counts right, beside the commonest number and, on its sprites, the document's own count."""
    notes = (
        f"Cells above a threshold chosen on {record['chosen']:,} scenes, tested on {record['tested']:,} others (Nash et "
        "al. 2017, §4.3).",
        "K-means by colour has no KL map to count by, and segments of a picture do not say what was counted.",
    )
    columns = {name: column for name, column in COUNTING.items() if name != "training"}
    rows = {name: dict(cells({**record, "step": None})), COMMONEST: dict(cells({**commonest, "step": None}))}
    paper = {"MVAE, Nash et al. 2017": DOCUMENT} if data.partition(":")[0] == "sprites" and "most=" not in data else {}
    return Table(f"Counting, {data}", columns, rows, paper, notes, "model")


def counts_of(found: Counts, nats: float) -> np.ndarray:
    """How many a KL map says, above a threshold in nats."""
    assert found.nats is not None
    return count_by_kl(found.nats, nats)


def by_members(run: Path, exported: Path, data: str, scenes: int, progress: bool) -> Judging:
    """What members that have a kind each do with `scenes` test scenes of `data`: the numbers of `members.scores`."""
    model, before = weights.load(exported), weights.load(run)
    with watching(f"judge {data}", 2 * scenes, progress) as show:
        seen = look(model, data, scenes, lambda done: show(done, "scenes"))
        old = look(before, data, scenes, lambda done: show(scenes + done, "scenes"))
    kinds = sorted(set(seen.kinds[~np.isnan(seen.kinds)].astype(int).tolist()))
    told, was = (scores_of_members(one, kinds, model.slots > 1) for one in (seen, old))
    moved = compare(was, told, [name for name in ("ari", "purity", "mse") if name in told])
    record = {"model": exported.name, "data": data, "split": TESTED, "count": scenes, **told}
    columns = {name: column for name, column in MEMBERS.items() if name in told}
    tables = [Table(f"{data} test, {scenes:,} images", columns, {exported.name: told}, first="model")]
    image, few = shown_members(data, PICTURED, model.size[0]), min(scenes, AGAIN)
    again = {"data": data, "count": few, "mse": squared_error(model, data, few)}
    names = tuple(f"VAE {k}" for k in range(model.slots))
    of_kinds = {"error": Column("squared error over its kind", "small"), "auc": Column("AUC of presence by its KL", "rate")}
    each = {k: {what: told[what][i] for what in of_kinds if what in told} for i, k in enumerate(names[: len(kinds)])}
    tables.append(Table("Members and the kinds that they are for", of_kinds, each, first="member"))
    return Judging([record], tables, drawn(lambda: decomposed(model, image, names), dpi=110), moved, again)


def squared_error(model: SlotModule, data: str, scenes: int) -> float:
    """What is left per pixel of the first test scenes of `data` that members draw."""
    return float(look(model, data, scenes, lambda done: None).mse.mean())


def counted(
    models: Mapping[str, SlotModule], data: str, choose: int, test: int, progress: bool
) -> tuple[dict[str, dict[str, Any]], dict[str, float]]:
    """The scores of counting of every model, by its name, and those of the commonest number."""
    with watching(f"count {data}", choose + test, progress) as show:
        chosen, truth = count(models, data, CHOSEN, choose, False, lambda done: show(done, "scenes"))
        tested, new = count(models, data, TESTED, test, False, lambda done: show(choose + done, "scenes"))
    commonest = right(new == np.bincount(truth).argmax(), "test")
    return {name: scores(chosen[name], truth, tested[name], new) for name in models}, commonest


def compare(before: Mapping[str, Any], after: Mapping[str, Any], names: Sequence[str]) -> dict[str, float]:
    """By how much each metric moved when the weights were rounded. Raises Refused where a rate moved by more than `MOVED`,
    a squared error by more than the share `GREW` of it, or where either is no number."""
    moved: dict[str, float] = {}
    for name in names:
        if before[name] is None:
            continue
        moved[name] = after[name] - before[name]
        most = GREW * before[name] if name.startswith("mse") else MOVED
        if not abs(moved[name]) <= most:
            raise Refused(
                f"rounding moved {name} from {before[name]:.4g} to {after[name]:.4g}, more than {most:.2g}: export with "
                "--dtype float32"
            )
    return moved
