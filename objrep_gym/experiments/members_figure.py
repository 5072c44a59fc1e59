"""MembersFigure and InformationTable: what the members of a ParallelVAE do with held-out scenes, drawn and in numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from objrep_gym import weights
from objrep_gym.data import at_size
from objrep_gym.data.watching import watching
from objrep_gym.experiments.kinds import Performed, Run
from objrep_gym.experiments.members import decomposed, information, look, scores, shares, shown_scenes
from objrep_gym.experiments.trained import Effort, in_words, progress, scaled, train_all
from objrep_gym.figures.page import Picture, Section
from objrep_gym.figures.style import both
from objrep_gym.figures.tables import Cell, Column, Table
from objrep_gym.models.base import SlotModule

COLUMNS = {
    "ari": Column("ARI of kinds", "rate", "high"),
    "purity": Column("purity", "rate", "high"),
    "purity_kl": Column("purity by KL", "rate", "high"),
    "mse": Column("MSE", "small", "low", 2),
    "training": Column("training", "text"),
}
JUDGED = "{:,} test scenes, whose images no training saw."
MEASURES = (
    "ARI: of the most confident member against the kind of each "
    "object's pixel, in scenes that show two kinds or more. Purity: of objects by the member with most of the confidence "
    "over them; by KL, of scenes that show one kind by the member that says most. AUC: telling scenes that show a kind by "
    "the KL of its member."
)


@dataclass(frozen=True)
class MembersFigure:
    """ParallelVAEs by row, and the scenes on which they are shown and judged."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name that they have in the figure."""
    kinds: Mapping[str, int]
    """Names of the kinds and their numbers in the data; member k is for the k-th."""
    data: str
    """Scenes of whose test split the numbers are."""
    shown: str = ""
    """Scenes of whose test split pictures are drawn; those of `data` if nothing is said."""
    count: int = 6
    """Scenes in a picture."""
    judged: int = 2000
    """Scenes behind each number."""
    unseen: Mapping[str, str] = field(default_factory=dict)
    """Scenes of things that no member learned, by the name of these."""
    empty: str = ""
    """Scenes that show nothing, of which members should say nothing; not asked if there are none."""
    drawn: tuple[str, ...] = ()
    """Rows that a picture is drawn of; all if none is named."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the figure."""

    def scaled(self, scale: float) -> "MembersFigure":
        """The same with a fraction of the steps, the batch and the judged scenes; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        return replace(self, rows=rows, judged=max(20, round(self.judged * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains what is not trained yet, as far as `effort` goes: a record for each model, the pictures and the tables."""
        done = dict(zip(self.rows, train_all(list(self.rows.values()), effort), strict=True))
        begun = {name: found for name, found in done.items() if found.step > 0}
        models = {name: weights.load(found.folder) for name, found in begun.items()}
        records = [self.record(name, begun[name], model, effort) for name, model in models.items()]
        pictures = [self.picture(name, models[name]) for name in self.drawn or self.rows if name in models]
        return records, [Section(self.title, [*pictures, *self.tables(records)])]

    def record(self, name: str, found: Performed, model: SlotModule, effort: Effort) -> dict[str, Any]:
        """The numbers of one model: those of `members.scores`."""
        with watching(f"judge {name}", self.judged, effort.progress) as show:
            seen = look(model, at_size(self.data, model.size[1]), self.judged, lambda done: show(done, "scenes"))
        told = scores(seen, tuple(self.kinds.values()), model.slots > 1)
        strange = {kind: shares(model, at_size(text, model.size[1]), self.judged) for kind, text in self.unseen.items()}
        told |= {"unseen": strange} if strange else {}
        told |= information(model, {"empty": at_size(self.empty, model.size[1])}, self.judged) if self.empty else {}
        return {"row": name, **progress(self.rows[name], found), **told}

    def picture(self, name: str, model: SlotModule) -> Picture:
        """The sheet of one model."""
        image = shown_scenes(at_size(self.shown or self.data, model.size[1]), self.count, model.size[0])
        members = tuple(self.kinds)[: model.slots] if model.slots > 1 else ("all",)
        drawing = both(lambda: decomposed(model, image, members))
        return Picture(drawing, f"{name} on scenes of the test split", f"{name}. White is sure, black is not.")

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """The models beside each other; then, by kind, how well it is drawn and how well its presence is told."""
        several = any("auc" in record for record in records)
        notes = (JUDGED.format(self.judged), *((MEASURES,) if several else ()), *self.notes)
        rows = {record["row"]: dict(cells(record)) for record in records}
        columns = {name: column for name, column in COLUMNS.items() if any(name in row for row in rows.values())}
        tables = [Table(self.title, columns or COLUMNS, rows, notes=notes, first="model")]
        errors = {record["row"]: dict(zip(self.kinds, record["error"], strict=False)) for record in records}
        small = {kind: Column(kind, "small", digits=1) for kind in self.kinds}
        tables.append(Table("Squared error over the pixels of each kind", small, errors, first="model"))
        told = {record["row"]: dict(zip(self.kinds, record["auc"], strict=False)) for record in records if "auc" in record}
        rates = {kind: Column(kind, "rate", digits=2) for kind in self.kinds}
        tables += [Table("AUC of presence by KL", rates, told, first="model")] if told else []
        silent = {r["row"]: {f"KL-{k}": v for k, v in enumerate(r["empty"])} for r in records if "empty" in r}
        columns = {name: Column(f"{name}, nats", digits=2) for name in next(iter(silent.values()), ())}
        tables += [Table("KL on empty scenes", columns, silent, first="model")] if silent else []
        strange = {
            f"{record['row']}: {kind}": dict(zip(self.kinds, taken, strict=False))
            for record in records
            for kind, taken in record.get("unseen", {}).items()
        }
        return [*tables, *([Table("Who takes what none has seen", rates, strange, first="unseen")] if strange else [])]


def cells(record: Mapping[str, Any]) -> Iterator[tuple[str, Cell]]:
    """What a row says of a model."""
    for name in ("ari", "purity", "purity_kl", "mse"):
        if record.get(name) is not None:
            yield name, float(record[name])
    yield "training", in_words(record)


@dataclass(frozen=True)
class InformationTable:
    """Mean KL of every member on scenes that show what their name says: how much each has to say of them."""

    title: str
    rows: Mapping[str, Run]
    """Models by the name of their table."""
    scenes: Mapping[str, str]
    """Data by the name of its row."""
    judged: int = 1000
    """Test scenes of each."""
    paper: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The document's own numbers, as it prints them, by row and column."""
    notes: tuple[str, ...] = ()
    """What has to be known to read the table."""

    def scaled(self, scale: float) -> "InformationTable":
        """The same with a fraction of the steps, the batch and the scenes; below a hundredth, at toy width."""
        rows = {name: scaled(run, scale) for name, run in self.rows.items()}
        return replace(self, rows=rows, judged=max(4, round(self.judged * scale)))

    def perform(self, folder: Path, effort: Effort) -> tuple[list[dict[str, Any]], list[Section]]:
        """Trains the models as far as `effort` goes: a record for each scene of each model, and a table of each."""
        done = dict(zip(self.rows, train_all(list(self.rows.values()), effort), strict=True))
        records = [record for name, found in done.items() if found.step > 0 for record in self.informed(name, found)]
        return records, [Section(self.title, self.tables(records))]

    def tables(self, records: Sequence[Mapping[str, Any]]) -> list[Table]:
        """A table for each model."""
        return [self.table(name, records) for name in self.rows]

    def informed(self, name: str, found: Performed) -> list[dict[str, Any]]:
        """What every member says of each scene: `table, row, nats`, and how far the model is."""
        model, told = weights.load(found.folder), progress(self.rows[name], found)
        data = {scene: at_size(text, model.size[1]) for scene, text in self.scenes.items()}
        nats = information(model, data, self.judged)
        return [{"table": name, "row": scene, "nats": nats[scene], **told} for scene in nats]

    def table(self, name: str, records: Sequence[Mapping[str, Any]]) -> Table:
        """Nats by scene and member of one model."""
        own = [record for record in records if record["table"] == name]
        rows = {record["row"]: {f"KL-{k}": value for k, value in enumerate(record["nats"])} for record in own}
        members = self.rows[name].model.build().slots
        columns = {f"KL-{k}": Column(f"KL-{k}, nats", digits=2) for k in range(members)}
        notes = (f"Means over {self.judged:,} test scenes of each row, whose images no training saw.", *self.notes)
        trained = (f"Trained for {in_words(own[0])}.",) if own else ()
        return Table(f"{self.title}: {name}", columns, rows, self.paper, (*notes, *trained), "scene")
