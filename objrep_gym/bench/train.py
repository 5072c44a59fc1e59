"""How fast models learn: an optimiser step of each preset, in float32 and bf16, beside the MONet of `bench/plain.py`."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from objrep_gym.bench.plain import PlainMONet
from objrep_gym.bench.turns import Spent, rounded, take_turns
from objrep_gym.metrics.cost import parameters, peak_bytes
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.training import Loop, Precision, Stage
from objrep_gym.types import Clock, Scenes

PLAIN = "monet, plain"
PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")


def bench_train(names: Sequence[str], batch: int, rounds: int) -> Iterator[dict[str, Any]]:
    """One record a preset and precision: `model, precision, batch, device, parameters, seconds_per_step,
    cpu_seconds_per_step, images_per_second, peak_mb`, and for MONet `ratio_to_plain` (> 1 is faster).

    Images are noise: what they show costs nothing. Raises ValueError on a name that is no preset with weights.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    steps = {(name, precision): Step(build(name, device), batch, precision) for name in names for precision in PRECISIONS}
    works: dict[str, Any] = {f"{name} {precision}": step.take for (name, precision), step in steps.items()}
    if "monet" in names:
        works[PLAIN] = PlainStep(batch, device).take
    spent = take_turns(works, rounds)
    if "monet" in names:
        plain = PlainStep(batch, device)
        yield record(PLAIN, plain.model, "float32", batch, spent[PLAIN]) | {"peak_mb": peak(plain.take)}
    for (name, precision), step in steps.items():
        told = record(name, step.model, precision, batch, spent[f"{name} {precision}"]) | {"peak_mb": peak(step.take)}
        if name == "monet":
            told["ratio_to_plain"] = rounded(spent[PLAIN].wall / spent[f"{name} {precision}"].wall)
        yield told


class Step:
    """One preset and what one of `fit`'s steps does with it."""

    def __init__(self, model: SlotModule, batch: int, precision: Precision):
        self.model = model
        self.loop = Loop(model, Stage(1_000_000), precision, None)
        self.scenes = Scenes(torch.rand(batch, *model.size, device=model.device))

    def take(self) -> None:
        self.loop.advance(self.scenes)


class PlainStep:
    """The same step as a first implementation takes it: eager, float32, Adam as it comes."""

    def __init__(self, batch: int, device: torch.device):
        self.model = PlainMONet().to(device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-4, foreach=False)
        self.scenes = Scenes(torch.rand(batch, 3, 64, 64, device=device))
        self.clock = Clock(torch.zeros((), dtype=torch.int64, device=device), 1)

    def take(self) -> None:
        self.optimiser.zero_grad()
        self.model.losses(self.scenes, self.clock).total().backward()
        self.optimiser.step()


def build(name: str, device: torch.device) -> SlotModule:
    """A preset's model, which must have something to learn."""
    if name not in MODELS:
        raise ValueError(f"{name!r} is none of {', '.join(MODELS)}")
    model = MODELS[name].build().to(device)
    if not any(True for _ in model.parameters()):
        raise ValueError(f"{name} has no weights, there is nothing to train")
    return model


def record(name: str, model: torch.nn.Module, precision: str, batch: int, spent: Spent) -> dict[str, Any]:
    """What every line says."""
    return {
        "model": name,
        "precision": precision,
        "batch": batch,
        "device": next(model.parameters()).device.type,
        "parameters": parameters(model),
        "seconds_per_step": rounded(spent.wall),
        "cpu_seconds_per_step": rounded(spent.cpu),
        "images_per_second": rounded(batch / spent.wall),
    }


def peak(work: Any) -> float:
    """Megabytes that a step holds beyond what was held before."""
    return rounded(peak_bytes(work) / 2**20)
