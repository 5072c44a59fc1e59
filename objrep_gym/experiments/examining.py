"""What the verb `evaluate` asks: what is asked of a model follows from what it is and what the data show."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from objrep_gym.data.watching import watching
from objrep_gym.experiments import dissection, judge, one_object, seeds_agree
from objrep_gym.experiments.judge import Exam
from objrep_gym.figures.tables import Table
from objrep_gym.training import Precision

Records = list[dict[str, Any]]
Tables = Callable[[Records], Table | list[Table]]


@dataclass(frozen=True)
class Examining:
    """How models are examined."""

    data: str = Exam.data
    """A dataset, `objects-room:variant=reach,size=32`, or a folder of shards."""
    split: str = Exam.split
    """train, validation or test; a folder holds one split."""
    count: int | None = None
    """How many scenes. If none is given: 1,000; by the suite, all that there are, or 20,000 of what has no end."""
    seed: int = Exam.seed
    """Of the scenes that are drawn."""
    batch: int | None = None
    """Scenes that are encoded at once; 50, or 256 by the suite, if none is given."""
    precision: Precision = Exam.precision
    """bf16 encodes and decodes in half the bits."""
    disentanglement: bool = False
    """What slots tell of objects' place, size, shape, colour and heading: MIG, DCI, SAP and linear probes, beside the
    untrained model and k-means, on data that is drawn; better on 2,000 scenes. Several seeds of a model are compared by UDR
    too. Models of one slot need no such word."""


def examine(refs: Sequence[str], how: Examining, progress: bool = True) -> tuple[Records, Tables]:
    """Records of models and what they are read against, and what makes tables of them.

    Models of one slot on data of one thing get the suite (`one_object`), others segmentation and reconstruction (`judge`)
    or, if asked for, what their slots tell (`dissection`). Raises WeightsError; ValueError on no model, and on a model or
    data that do not suit.
    """
    if not refs:
        raise ValueError("name a model: a run directory, a published name, or a preset without weights")
    suited = one_object.usual(refs, how.data, how.split)
    count, batch = suited or (Exam.count, Exam.batch)
    count, batch = (count if how.count is None else how.count), (batch if how.batch is None else how.batch)
    exam = Exam(how.data, how.split, count, how.seed, batch, how.precision)
    asked: tuple[Any, Tables] = (judge.evaluate, judge.as_table)
    if suited or how.disentanglement:
        asked = (one_object.evaluate, one_object.as_tables) if suited else (dissection.evaluate, dissection.as_tables)
    with watching("evaluate", exam.count, progress) as show:
        records = asked[0](refs, exam, lambda done: show(done, "scenes"))
    return seeds_agree.compared(records, refs, exam) if asked[0] is dissection.evaluate else records, asked[1]
