"""How fast models learn: an optimiser step of each preset, in float32 and bf16, beside its plain form if there is one."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from objrep_gym.bench.plain import Plain, plain_of
from objrep_gym.bench.turns import Spent, measured, rounded, take_turns
from objrep_gym.metrics.cost import parameters, peak_bytes
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.processes import own_device
from objrep_gym.training import Loop, Precision, Stage, laid_out
from objrep_gym.types import Scenes

PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")


def bench_train(names: Sequence[str], batch: int, rounds: int, tiny: bool = False) -> Iterator[dict[str, Any]]:
    """One record a preset and precision: `model, precision, batch, device, threads, parameters, seconds_per_step,
    cpu_seconds_per_step, steps_per_second, images_per_second, peak_mb`. Where `plain_of` has a model's plain form, that has
    a record too, and the model `ratio_to_plain, cpu_ratio_to_plain` (> 1 is faster), `peak_to_plain` (< 1 holds less).

    Images are noise and lie on the device: what they show costs nothing. On a GPU steps are compiled and CUDA graphs, as in
    `fit`. tiny: presets at toy width. Raises ValueError on a name that is no preset with weights.
    """
    steps: dict[str, dict[str, Step | PlainStep]] = {}
    for name in names:
        plain = plain_of(model := build(name, tiny))
        steps[name] = {} if plain is None else {"plain": PlainStep(plain, noise(model, batch))}
        for precision in PRECISIONS:
            model = build(name, tiny)
            steps[name][precision] = Step(model, noise(model, batch), precision)
    works = {f"{name} {form}": step.take for name, forms in steps.items() for form, step in forms.items()}
    spent = take_turns(works, rounds)
    for name, forms in steps.items():
        peaks = {form: peak_bytes(step.take, step.scenes.image.device.type) for form, step in forms.items()}
        plain = (spent[f"{name} plain"], peaks["plain"]) if "plain" in forms else None
        for form, step in forms.items():
            took = spent[f"{name} {form}"]
            compared = measured(took, peaks[form], None if form == "plain" else plain)
            yield record(name, form, step, took) | compared


class Step:
    """One preset and what one of `fit`'s steps does with it."""

    def __init__(self, model: SlotModule, scenes: Scenes, precision: Precision):
        self.model = model
        self.loop = Loop(model, Stage(1_000_000), precision, None)
        self.scenes = laid_out(scenes, self.loop.layout)

    def take(self) -> None:
        self.loop.advance(self.scenes)


class PlainStep:
    """The same step as a first implementation takes it: eager, float32, Adam as it comes."""

    def __init__(self, model: Plain, scenes: Scenes):
        self.model, self.scenes = model, scenes
        self.optimisers = model.optimisers()

    def take(self) -> None:
        self.model.learn(self.scenes, self.optimisers)


def build(name: str, tiny: bool) -> SlotModule:
    """A preset's model on the device that trains, which must have something to learn."""
    if name not in MODELS:
        raise ValueError(f"{name!r} is none of {', '.join(MODELS)}")
    model = (MODELS[name].tiny() if tiny else MODELS[name]).build().to(own_device())
    if not any(True for _ in model.parameters()):
        raise ValueError(f"{name} has no weights, there is nothing to train")
    return model


def noise(model: SlotModule, batch: int) -> Scenes:
    """Images of a model's size, on its device; for models that are taught, masks of two entities, two sources."""
    image = torch.rand(batch, *model.size, device=model.device)
    mask, factors = (image[:, 0] > 0.5).to(torch.uint8), torch.zeros(batch, 2, 16, device=model.device)
    source = torch.arange(batch, device=model.device) % 2
    whole = {"image": image, "mask": mask, "factors": factors, "source": source}
    return Scenes(**{name: whole[name] for name in model.reads})


def record(name: str, form: str, step: Step | PlainStep, spent: Spent) -> dict[str, Any]:
    """What every line says."""
    batch = len(step.scenes)
    return {
        "model": f"{name}, plain" if form == "plain" else name,
        "precision": "float32" if form == "plain" else form,
        "batch": batch,
        "device": step.scenes.image.device.type,
        "threads": torch.get_num_threads(),
        "parameters": parameters(step.model),
        "seconds_per_step": rounded(spent.wall),
        "cpu_seconds_per_step": rounded(spent.cpu),
        "steps_per_second": rounded(1 / spent.wall),
        "images_per_second": rounded(batch / spent.wall),
    }
