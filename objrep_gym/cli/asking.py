"""Verbs that ask something of what there is: how good, how fast, which."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import OmitArgPrefixes, Positional

from objrep_gym.cli.options import Verb, only, presets, tell


def evaluate() -> type[Verb]:
    """Segmentation and reconstruction of held-out scenes, or what latents tell of them."""
    from objrep_gym.data import described
    from objrep_gym.experiments.examining import Examining, examine

    @dataclass(frozen=True, kw_only=True)
    class Evaluate(Examining):
        """How well models take scenes apart: ARI, MSC and MSE with intervals, beside k-means by colour.

        Models of one slot, on data of one thing such as dsprites, are asked what their latents tell of the factors:
        BetaVAE, FactorVAE, MIG, SAP, DCI, modularity, explicitness and the perturbation score. Several of one config are
        ranked by how much they agree (UDR), without labels.
        """

        ref: Positional[tuple[str, ...]]
        """Run directories, published names, hf:org/name, wandb:…, or presets without weights."""
        variant: str | None = None
        """Of a dataset that is drawn, such as six-objects of objects-room."""
        look: str | None = None
        """Of a dataset that is drawn: published, plain, textured or grey."""
        size: int | None = None
        """Of a dataset that is drawn: height and width in pixels."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            data = described(self.data, {"variant": self.variant, "look": self.look, "size": self.size})
            records, tables = examine(self.ref, only(self, Examining, data=data), progress=not self.json)
            tell(records, self.json, tables)

    return Evaluate


def encode() -> type[Verb]:
    """Slots of images, into one file."""
    from objrep_gym.experiments.encode import Encoding, encode

    @dataclass(frozen=True, kw_only=True)
    class Encode(Encoding):
        """Slots of images into one .npz: latents (N, K, D), nats (N, K); if asked for masks (N, K, H, W), and in words what
        each slot holds (N, K)."""

        ref: Positional[str]
        """A run directory, a published name, or a preset without weights."""
        images: Positional[tuple[str, ...]]
        """Picture files, folders of them, one dataset, or one folder of shards."""
        out: Path
        """The .npz."""

        def __call__(self) -> None:
            print(encode(only(self, Encoding), self.out))

    return Encode


def play() -> type[Verb]:
    """An environment, by keyboard."""
    from objrep_gym.experiments.play import Playing, play

    @dataclass(frozen=True, kw_only=True)
    class Play(Playing):
        """Play an environment by keyboard: arrows or WASD move as seen in the picture, R begins anew, Esc quits."""

        env: Positional[str]
        """An environment id of ours, such as ObjRep/Reach-v0."""

        def __call__(self) -> None:
            play(self.env, only(self, Playing))

    return Play


def bench() -> type[Verb]:
    """What is fast; each measurement is a subcommand with its own options."""
    from objrep_gym.bench import BENCHES
    from objrep_gym.figures.tables import of_records

    @dataclass(frozen=True)
    class Bench:
        """How fast things are: everything compared in one run, interleaved, medians."""

        what: OmitArgPrefixes[presets(BENCHES)]  # type: ignore[misc]
        """What is measured."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            tell(self.what.measure(), self.json, of_records)

    return Bench


def listing() -> type[Verb]:
    """What there is."""
    from objrep_gym.experiments.inventory import as_table, describe, inventory

    @dataclass(frozen=True)
    class List:
        """Models, datasets, environments, extractors, published weights and experiments, by the names that verbs take."""

        name: Positional[str | None] = None
        """Print what is written about this one: an environment's page, the card of weights, what an experiment shows."""
        sheet: Path | None = None
        """Draw how every environment begins into this PNG."""
        json: bool = False
        """One JSON object per line instead of a table."""

        def __call__(self) -> None:
            if self.name is not None:
                print(describe(self.name))
            if self.sheet is not None:
                from objrep_gym.experiments.gallery import sheet

                print(sheet(self.sheet))
            if self.name is None and self.sheet is None:
                tell(inventory(), self.json, as_table)

    return List
