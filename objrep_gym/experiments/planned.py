"""The card of weights that nobody has trained yet: what they will be, the command that makes them, and what they will be
held against. For models that want a GPU, from whoever has one."""

from dataclasses import dataclass, replace
from pathlib import Path

from objrep_gym import weights
from objrep_gym.data import whole
from objrep_gym.data.watching import watching
from objrep_gym.experiments.card import licence, made_by, measures
from objrep_gym.experiments.judge import Exam, as_table, evaluate
from objrep_gym.experiments.kinds import Run, total
from objrep_gym.experiments.monet_rn50.table_5_2 import EXPERIMENT as TABLE_5_2
from objrep_gym.experiments.queue import PACKAGED, read
from objrep_gym.experiments.rooms import of_rooms
from objrep_gym.figures.tables import Table, as_markdown

UNTRAINED = """Nobody has trained it to its end yet: there are no weights here. On a GPU the command below makes them, and
`objrep-gym export runs/{name} --out {name}` judges them and writes their card."""


@dataclass(frozen=True)
class Planning:
    """How a card is written of weights that are still to be made."""

    count: int = 1000
    """Scenes of each exam that the baselines sit."""


def awaited() -> dict[str, Run]:
    """Runs of the packaged queue by the name of their weights, where there are none yet."""
    return {one.name: one.run() for one in read(PACKAGED) if one.name and one.name not in weights.published()}


def plan(name: str, out: Path | str, how: Planning = Planning(), progress: bool = True) -> Path:
    """Writes card.md to the folder `out`, which has no weights. Raises ValueError on a name that the queue does not have,
    or whose weights are there, and where `out` holds weights."""
    found, out = awaited(), Path(out)
    if name not in found:
        raise ValueError(f"{name!r} is none of the weights that wait in {PACKAGED.name}: {', '.join(found) or 'none'}")
    if weights.held(out / weights.WEIGHTS):
        raise ValueError(f"{out} holds weights, and this would be the card of weights that are not there")
    run = found[name]
    told, rows = UNTRAINED.format(name=name), (f"| {k} | {v} |" for k, v in facts(run).items())
    lines = [f"# {name}", "", told, "", "| | |", "|---|---|", *rows, ""]
    lines += [*made_by(run, name), "## What it is held against", ""]
    exams = TABLE_5_2.exams if of_rooms(run.data[0]) else {text: Exam(text) for text in run.data}
    for exam, described in exams.items():
        table = against(exam, replace(described, count=how.count), progress)
        lines += [f"**{table.title}**", "", as_markdown(table), ""]
    out.mkdir(parents=True, exist_ok=True)
    whole.write(out / weights.CARD, "\n".join(lines))
    return out


def facts(run: Run) -> dict[str, str]:
    """The rows of the card's first table."""
    data = ", ".join(f"`{one}`" for one in run.data)
    return {
        **measures(run.model, weights.on_meta(run.model)),
        "to be trained on": data,
        "for": f"{total(run):,} steps of {run.batch}, {total(run) * run.batch:,} images",
        "licence": licence(run),
    }


def against(exam: str, described: Exam, progress: bool) -> Table:
    """What knows nothing of objects in an exam of Table 5.2, and what the thesis reports there."""
    with watching(f"judge {described.data}", described.count, progress) as show:
        table = as_table(evaluate((), described, lambda done: show(done, "scenes")))
    return replace(table, paper=TABLE_5_2.paper.get(exam, {}))
