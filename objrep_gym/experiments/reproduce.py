"""Tables of results by name: found by their path, made with all that they need, left as a page, as Markdown and as JSON."""

import importlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from objrep_gym.data import whole
from objrep_gym.experiments.provenance import provenance, told
from objrep_gym.experiments.trained import ROOT, Effort
from objrep_gym.figures.page import Code, Picture, Section, page
from objrep_gym.figures.tables import Table, as_markdown
from objrep_gym.processes import using
from objrep_gym.scenes.world import check_name

HERE = Path(__file__).parent
PAGE, TABLE, RECORDS = "index.html", "table.md", "records.json"
LEAD = "One command made everything on this page; a row that was trained already is found, not trained again."


@runtime_checkable
class Experiment(Protocol):
    """What an experiment's file holds as `EXPERIMENT`."""

    @property
    def title(self) -> str: ...
    def scaled(self, scale: float) -> "Experiment": ...
    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]: ...
    def tables(self, records: list[dict[str, Any]]) -> list[Table]: ...


@dataclass(frozen=True)
class Reproduction:
    """Which table, and how much of it."""

    name: str
    """A file below `experiments`: `control/reach`."""
    scale: float = 1.0
    """A fraction of the steps, seeds, images and episodes: 0.01 shows in a minute that all is well."""
    minutes: float | None = None
    """Train models for so long in all, and show how far they came; the same command goes on. Agents learn to their end."""
    device: Literal["cpu", "cuda"] | None = None
    """Where models learn; on a GPU if there is one."""
    runs: Path = ROOT
    """Folder of trained models, which all tables share."""
    anew: bool = False
    """Train what the package ships once more, instead of showing the weights that lie in it."""


def names() -> list[str]:
    """Every experiment there is: a file in a folder of `experiments`."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in HERE.glob("*/*.py") if not path.stem.startswith("_"))


def find(name: str) -> Experiment:
    """The experiment of a name. Raises ValueError on one that does not exist, naming those that do."""
    check_name("experiment", name, names())
    return importlib.import_module(f"objrep_gym.experiments.{name.replace('/', '.')}").EXPERIMENT


def reproduce(what: Reproduction, out: Path | str, progress: bool = True) -> tuple[Path, list[Table]]:
    """Makes the tables in the folder `out`, or goes on where that was left: the page's path, and the tables themselves."""
    out, experiment = Path(out), find(what.name)
    if what.scale != 1:
        experiment = experiment.scaled(what.scale)
    again = f"objrep-gym reproduce {what.name} --scale {what.scale:g}{' --anew' if what.anew else ''} --out {out}"
    with using(what.device):
        return leave(experiment, out, Effort(what.minutes, what.runs, progress, what.anew), again)


def leave(experiment: Experiment, out: Path, effort: Effort, again: str) -> tuple[Path, list[Table]]:
    """Performs an experiment as far as `effort` goes and leaves its page, which tells the command that makes it `again`."""
    out.mkdir(parents=True, exist_ok=True)
    records, sections = experiment.perform(out, effort)
    tables, made = experiment.tables(records), provenance()
    whole.write(out / RECORDS, json.dumps({"records": records, **made}, indent=2) + "\n")
    whole.write(out / TABLE, f"{in_markdown(tables)}\n\nMeasured on {made['machine']}.\n")
    for name, image in pictures(sections).items():
        whole.write(out / name, image)
    sections = [*sections, Section("Again", [Code(again)])]
    return whole.write(out / PAGE, page(experiment.title, LEAD, sections, told(made))), tables


def pictures(sections: Sequence[Section]) -> dict[str, bytes]:
    """The pictures of a page, for light paper, by file names made of what they show."""
    found = [block for section in sections for block in section.blocks if isinstance(block, Picture)]
    files = {f"{re.sub(r'[^a-z0-9]+', '-', picture.alt.lower()).strip('-')}.png": picture.image for picture in found}
    return {name: image if isinstance(image, bytes) else image["light"] for name, image in files.items()}


def in_markdown(tables: Sequence[Table]) -> str:
    """Tables one after another, with their titles where there are several, and each note once."""
    if len(tables) == 1:
        return as_markdown(tables[0])
    told: list[str] = []
    for i, table in enumerate(tables):
        said = {note for before in tables[:i] for note in before.notes}
        fresh = replace(table, notes=tuple(note for note in table.notes if note not in said))
        told.append(f"**{table.title}**\n\n{as_markdown(fresh)}")
    return "\n\n".join(told)
