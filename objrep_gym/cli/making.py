"""Verbs that make something: data, weights, agents, pages."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tyro.conf import OmitArgPrefixes, Positional

from objrep_gym.cli.options import Verb, given, only, presets, show, tell


def demo() -> type[Verb]:
    """Rooms, slots, an agent, one page."""
    from objrep_gym.experiments.demo import Demonstration, demonstrate

    @dataclass(frozen=True, kw_only=True)
    class Demo(Demonstration):
        """The whole thread in ten minutes: draws rooms, takes them apart, learns to reach; leaves one page."""

        out: Path = Path("runs/demo")
        """Folder of the page and of what it shows."""

        def __call__(self) -> None:
            print(demonstrate(only(self, Demonstration), self.out))

    return Demo


def generate() -> type[Verb]:
    """Scenes into shards; datasets are subcommands."""
    from objrep_gym.data import drawn
    from objrep_gym.data.generate import Recipe, generate

    @dataclass(frozen=True, kw_only=True)
    class Generate(Recipe):
        """Draw scenes into a dataset on disk; killed and called again, it goes on to the same bytes."""

        world: OmitArgPrefixes[presets(drawn())]  # type: ignore[valid-type]
        out: Path
        """Folder of the shards."""
        workers: int = field(default_factory=lambda: os.cpu_count() or 1)
        """Processes that draw, each with an OpenGL context of its own."""

        def __call__(self) -> None:
            print(generate(only(self, Recipe), self.out, self.workers).folder)

    return Generate


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Which data a training sees."""

    data: tuple[str, ...] = ("objects-room",)
    """Datasets or folders of shards, mixed evenly."""
    variant: tuple[str, ...] = ()
    """Of datasets that are drawn, such as six-objects of objects-room; mixed evenly."""
    look: tuple[str, ...] = ()
    """Of datasets that are drawn: published, plain, textured, grey; mixed evenly."""

    def sources(self, size: int) -> tuple[str, ...]:
        """Every dataset in every variant and look, at a model's size."""
        from objrep_gym.data import crossed

        return tuple(crossed(self.data, self.variant, self.look, size))


def train() -> type[Verb]:
    """A model into a run directory; models are subcommands, so that each shows its own numbers."""
    from objrep_gym.experiments.kinds import Run, Start, perform
    from objrep_gym.experiments.starting import TRUNK
    from objrep_gym.models import MODELS
    from objrep_gym.training import Precision, Stage

    @dataclass(frozen=True, kw_only=True)
    class Train(Seen):
        """Train a model into a run directory; killed and called again, it goes on to the same weights."""

        model: presets(trainable(MODELS))  # type: ignore[valid-type]
        """What is trained."""
        out: Path
        """Run directory."""
        stage: OmitArgPrefixes[Stage] = field(default_factory=lambda: Stage(100_000))
        trunk: str | None = None
        """A trained trunk to begin with: a segmenter's run, or a ResNet's published state dict, file or hf:org/name."""
        takes: tuple[str, ...] = TRUNK
        """Patterns of the tensors that are taken over from there; '*' is all of a model like this one."""
        minutes: float | None = None
        """Stop after so long; the same command goes on."""
        batch: int = 64
        """Images per step."""
        precision: Precision = "float32"
        """bf16 computes in half the bits, and keeps the weights in float32."""
        seed: int = 0
        """Of the weights, the scenes and their order."""
        save: int = 1000
        """Steps between saves."""
        wandb: str | None = None
        """A project of Weights & Biases that gets the journal's lines too; WANDB_MODE=offline works."""

        def __call__(self) -> None:
            data = self.sources(self.model.size[0])
            start = None if self.trunk is None else Start(self.trunk, self.takes)
            run = Run(self.model, data, (self.stage,), self.batch, self.seed, self.precision, start, self.save)
            print(perform(run, self.out, minutes=self.minutes, wandb=self.wandb).folder)

    return Train


def trainable(models: Mapping[str, Any]) -> dict[str, Any]:
    """The presets that have weights to train."""
    from objrep_gym.models.colour import ColourConfig

    return {name: config for name, config in models.items() if not isinstance(config, ColourConfig)}


def export() -> type[Verb]:
    """What was made leaves the house: weights of a run, scenes of a dataset."""
    from objrep_gym.data.export import Named
    from objrep_gym.experiments.export import Dtype, exporter

    @dataclass(frozen=True, kw_only=True)
    class Export:
        """A run becomes weights with a card; a dataset becomes TFRecords, WebDataset tar files or Parquet with PNGs.

        What is exported decides which options it takes.
        """

        what: Positional[str]
        """A run directory, a folder of shards, or a dataset such as objects-room:variant=reach; or the name of weights that
        the queue will make, of which the card alone is written."""
        out: Path
        """Folder of the result; the name of one with weights is theirs, `monet-lite@objects-room`."""
        format: Named | None = None
        """Of a dataset: tfrecords (DeepMind's layout), webdataset, or parquet, which is the default."""
        count: int | None = None
        """Of a dataset: scenes, from the first on; all of a folder, 10,000 that are drawn. Of a run: those it is judged
        on."""
        seed: int | None = None
        """Of a dataset that is drawn: 0 if none is given."""
        split: str | None = None
        """Of a dataset that is drawn: train, validation or test; train if none is given."""
        dtype: Dtype | None = None
        """Of a run: what numbers are kept in; fp16 if none is given. Loading gives float32 again."""
        probe: int | None = None
        """Of a run: scenes that the probe of its slots is judged on; 1,000 if none is given."""
        exams: tuple[str, ...] | None = None
        """Of a run: data that the model is judged on, of the test split; the usual ones of its kind if none is given."""

        def __call__(self) -> None:
            kind, told, perform = exporter(self.what)
            print(perform(self.what, self.out, given(self, kind, told, aside=("what", "out"))))

    return Export


def importing() -> type[Verb]:
    """What others published becomes shards."""
    from objrep_gym.data import downloaded
    from objrep_gym.data.published import import_scenes

    @dataclass(frozen=True, kw_only=True)
    class Import:
        """A published dataset that was downloaded becomes a folder of shards; damaged scenes are left out and named.

        Killed and called again, it goes on to the same bytes.
        """

        published: OmitArgPrefixes[presets(downloaded())]  # type: ignore[valid-type]
        """What was downloaded."""
        out: Path
        """Folder of the shards."""

        def __call__(self) -> None:
            print(import_scenes(self.published, self.out))

    return Import


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How an agent is watched, and when it is left."""

    minutes: float | None = None
    """Learn no longer than this; the learning rate falls with whichever ends first."""
    pause: float | None = None
    """Minutes after which it is saved and left; the same command goes on."""
    film: int = 0
    """Episodes of the evaluation that are played once more into episodes.webp, under the colours of the slots."""
    wandb: bool = False
    """Log to Weights & Biases too; WANDB_MODE=offline works."""
    tensorboard: bool = False
    """Log to TensorBoard too, into OUT/tensorboard; needs the extra [tensorboard]."""


def agent() -> type[Verb]:
    """An agent on slots, pixels or true factors."""
    from objrep_gym.experiments.agent import AgentRun, Keeping, as_table, perform

    @dataclass(frozen=True, kw_only=True)
    class Agent(Watched, AgentRun):
        """An agent learns on slots, on pixels or on true factors; its rate of success is measured.

        An interrupted run goes on in its directory.
        """

        env: Positional[str]
        """An environment id, such as ObjRep/Reach-v0; of others, any with pictures."""
        out: Path
        """Run directory."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            keeping = only(self, Keeping, progress=not self.json)
            records = perform(only(self, AgentRun), self.out, keeping)
            if records:
                tell(records, self.json, as_table)
            if not self.json:
                print(self.out)

    return Agent


def reproduce() -> type[Verb]:
    """A table of results."""
    from objrep_gym.experiments.reproduce import Reproduction, reproduce

    @dataclass(frozen=True, kw_only=True)
    class Reproduce(Reproduction):
        """Make a table of results with all that it needs, or go on where that was left; or work off a queue."""

        name: Positional[str] = ""
        """Which table: control/reach."""
        out: Path | None = None
        """Folder of the page; runs/NAME if none is given. Of a queue: of the weights, runs/published."""
        queue: Path | None = None
        """Instead of a table, trainings in order of worth: the next one that is not finished goes on for --minutes."""

        def __call__(self) -> None:
            if self.queue is not None:
                return work_off(self.queue, self)
            path, tables = reproduce(only(self, Reproduction), self.out or Path("runs") / self.name)
            for table in tables:
                show(table)
            print(path)

    return Reproduce


def work_off(queue: Path, asked: Any) -> None:
    """The trainings of a queue, each told in a line. Raises ValueError without minutes, or with what only a table takes."""
    from objrep_gym.experiments.queue import Queueing, told, work

    if asked.name or asked.anew or asked.minutes is None:
        raise ValueError("a queue takes --minutes, and neither the name of a table nor --anew")
    plain = Queueing(queue, asked.minutes)
    out = asked.out or plain.out
    for waiting, performed in work(Queueing(queue, asked.minutes, asked.device, out, asked.runs)):
        print(told(waiting, performed, out))
