"""The command line: each verb parses, calls one function, and prints where the result lies.

A verb's options are built when that verb is called, from the dataclass that its function takes: so `objrep-gym --help`
loads neither torch nor a model, and what can be said on the command line is what can be said in Python.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Protocol, Union, runtime_checkable

import tyro
from tyro.conf import OmitArgPrefixes, Positional

from objrep_gym import __version__

TRACEBACK = "OBJREP_GYM_TRACEBACK"
DESCRIPTION = f"Object-centric observations for gymnasium. {TRACEBACK}=1 shows where an error arose."


@runtime_checkable
class Verb(Protocol):
    """The options of a verb; called, it does its work."""

    def __call__(self) -> None: ...


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
    from objrep_gym.data import DATASETS
    from objrep_gym.data.generate import Recipe, generate

    @dataclass(frozen=True, kw_only=True)
    class Generate(Recipe):
        """Draw scenes into a dataset on disk; killed and called again, it goes on to the same bytes."""

        world: OmitArgPrefixes[presets(DATASETS)]  # type: ignore[valid-type]
        out: Path
        """Folder of the shards."""
        workers: int = field(default_factory=lambda: os.cpu_count() or 1)
        """Processes that draw, each with an OpenGL context of its own."""

        def __call__(self) -> None:
            print(generate(only(self, Recipe), self.out, self.workers).folder)

    return Generate


def train() -> type[Verb]:
    """A model into a run directory; models are subcommands, so that each shows its own numbers."""
    from objrep_gym.data import crossed
    from objrep_gym.experiments.kinds import Run, perform
    from objrep_gym.models import MODELS
    from objrep_gym.training import Precision, Stage

    learning = {name: config for name, config in MODELS.items() if not name.startswith("colour")}

    @dataclass(frozen=True)
    class Train:
        """Train a model into a run directory; killed and called again, it goes on to the same weights."""

        model: presets(learning)  # type: ignore[valid-type]
        out: Path
        """Run directory."""
        data: tuple[str, ...] = ("objects-room",)
        """Datasets or folders of shards, mixed evenly."""
        variant: tuple[str, ...] = ()
        """Of datasets that are drawn: train, six-objects, empty-room, identical-color, reach; several are mixed."""
        look: tuple[str, ...] = ()
        """Of datasets that are drawn: published, plain; several are mixed."""
        stage: OmitArgPrefixes[Stage] = field(default_factory=lambda: Stage(100_000))
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

        def __call__(self) -> None:
            data = tuple(crossed(self.data, self.variant, self.look, self.model.size[0]))
            run = Run(self.model, data, (self.stage,), self.batch, self.seed, self.precision, self.save)
            print(perform(run, self.out, minutes=self.minutes).folder)

    return Train


def evaluate() -> type[Verb]:
    """Segmentation and reconstruction of held-out scenes."""
    from objrep_gym.data import described
    from objrep_gym.data.watching import watching
    from objrep_gym.experiments.judge import Exam, as_table, evaluate

    @dataclass(frozen=True, kw_only=True)
    class Evaluate(Exam):
        """How well a model takes scenes apart: ARI, MSC and MSE with intervals, beside k-means by colour."""

        ref: Positional[str]
        """A run directory, a published name, hf:org/name, wandb:…, or a preset without weights."""
        variant: str | None = None
        """Of a dataset that is drawn: train, six-objects, empty-room, identical-color or reach."""
        look: str | None = None
        """Of a dataset that is drawn: published or plain."""
        size: int | None = None
        """Of a dataset that is drawn: height and width in pixels."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            data = described(self.data, {"variant": self.variant, "look": self.look, "size": self.size})
            with watching("evaluate", self.count, shown=not self.json) as show:
                records = evaluate(self.ref, only(self, Exam, data=data), lambda done: show(done, "scenes"))
            tell(records, self.json, as_table)

    return Evaluate


def agent() -> type[Verb]:
    """PPO on slots, pixels or true factors."""
    from objrep_gym.experiments.agent import AgentRun, Keeping, as_table, perform

    @dataclass(frozen=True, kw_only=True)
    class Agent(AgentRun):
        """An agent learns by PPO on slots, on pixels or on true factors; its rate of success is measured.

        An interrupted run goes on in its directory.
        """

        env: Positional[str]
        """An environment id, such as ObjRep/Reach-v0; of others, any with pictures."""
        out: Path
        """Run directory."""
        wandb: bool = False
        """Log to Weights & Biases too; WANDB_MODE=offline works."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            records = perform(only(self, AgentRun), self.out, Keeping(self.wandb, progress=not self.json))
            tell(records, self.json, as_table)
            if not self.json:
                print(self.out)

    return Agent


def encode() -> type[Verb]:
    """Slots of images, into one file."""
    from objrep_gym.experiments.encode import Encoding, encode

    @dataclass(frozen=True, kw_only=True)
    class Encode(Encoding):
        """Slots of images into one .npz: latents (N, K, D), nats (N, K), and masks (N, K, H, W) if asked for."""

        ref: Positional[str]
        """A run directory, a published name, or a preset without weights."""
        images: Positional[tuple[str, ...]]
        """Picture files, folders of them, one dataset, or one folder of shards."""
        out: Path
        """The .npz."""

        def __call__(self) -> None:
            print(encode(only(self, Encoding), self.out))

    return Encode


def bench() -> type[Verb]:
    """What is fast; each measurement is a subcommand with its own options."""
    from objrep_gym.bench import BENCHES
    from objrep_gym.figures.tables import of_records

    @dataclass(frozen=True)
    class Bench:
        """How fast things are: everything compared in one run, interleaved, medians."""

        what: OmitArgPrefixes[presets(BENCHES)]  # type: ignore[misc]
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            tell(self.what.measure(), self.json, of_records)

    return Bench


def listing() -> type[Verb]:
    """What there is."""
    from objrep_gym.experiments.inventory import as_table, inventory

    @dataclass(frozen=True)
    class List:
        """Models, datasets, environments and published weights, by the names that the other verbs take."""

        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            tell(inventory(), self.json, as_table)

    return List


VERBS: dict[str, tuple[str, Callable[[], type[Verb]]]] = {
    "demo": ("The whole thread in ten minutes: rooms, slots, an agent; leaves one page.", demo),
    "generate": ("Draw scenes into a dataset on disk.", generate),
    "train": ("Train a model into a run directory.", train),
    "evaluate": ("How well a model takes scenes apart.", evaluate),
    "agent": ("An agent learns on slots, pixels or true factors.", agent),
    "encode": ("Slots of images, into one .npz.", encode),
    "bench": ("How fast things are.", bench),
    "list": ("Models, datasets, environments and published weights.", listing),
}


def presets(named: Mapping[str, Any]) -> Any:
    """A choice between presets, each with its own options."""
    return tyro.extras.subcommand_type_from_defaults(dict(named), prefix_names=False)


def only(options: Any, kind: type, **changed: Any) -> Any:
    """The part of a verb's options that its function takes."""
    return kind(**{f.name: changed.get(f.name, getattr(options, f.name)) for f in fields(kind)})


def tell(records: Iterable[Mapping[str, Any]], as_json: bool, as_table: Callable[[list[Any]], Any]) -> None:
    """Prints records as they come, one JSON object per line, or all of them as a table."""
    if as_json:
        for record in records:
            print(json.dumps(record), flush=True)
        return
    from rich.console import Console

    from objrep_gym.figures.tables import as_rich

    Console().print(as_rich(as_table(list(records))))


def overview() -> Any:
    """All verbs as empty subcommands, for `--help` and for what is no verb: nothing of them is loaded."""
    named = {name: type(name.title(), (), {"__doc__": told}) for name, (told, _) in VERBS.items()}
    choices = [Annotated[dataclass(kind), tyro.conf.subcommand(name)] for name, kind in named.items()]
    return Union[tuple(choices)]  # noqa: UP007


def mistakes() -> tuple[type[Exception], ...]:
    """What is told in one line: settings and files that are wrong, a full disk, a machine that cannot draw."""
    from gymnasium.error import Error

    from objrep_gym.scenes.headless import NoOpenGL

    return (ValueError, KeyError, OSError, FloatingPointError, Error, NoOpenGL)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 2 after an error of the user's, told in one line; a bug keeps its traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["--version"]:
        print(__version__)
        return 0
    if not words or words[0] not in VERBS:
        tyro.cli(overview(), prog="objrep-gym", args=words, description=DESCRIPTION)
        return 2
    config = (tyro.conf.CascadeSubcommandArgs, tyro.conf.FlagCreatePairsOff)
    try:
        verb = tyro.cli(VERBS[words[0]][1](), prog=f"objrep-gym {words[0]}", args=words[1:], config=config)
        verb()
    except KeyboardInterrupt:
        return 130
    except mistakes() as error:
        if os.environ.get(TRACEBACK):
            raise
        told = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"objrep-gym {words[0]}: {' '.join(str(told).split())}", file=sys.stderr)
        return 2
    return 0
