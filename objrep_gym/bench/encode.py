"""How fast models see: a batch at once, as the vector wrapper encodes, and one image after another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from objrep_gym import weights
from objrep_gym.bench.plain import PlainMONet, plain_of
from objrep_gym.bench.turns import Spent, measured, rounded, take_turns
from objrep_gym.metrics.cost import parameters, peak_bytes
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.processes import own_device
from objrep_gym.training import Precision, layout

PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")
Work = Callable[[], object]


def bench_encode(names: Sequence[str], batch: int, rounds: int, tiny: bool = False) -> Iterator[dict[str, Any]]:
    """One record a model and precision: `model, precision, batch, device, threads, parameters, seconds_per_batch,
    cpu_seconds_per_batch, images_per_second, peak_mb, ratio_to_one_by_one` (> 1 is faster at once). Where `plain_of` has a
    model's plain form, that has a record too, and the model `ratio_to_plain, cpu_ratio_to_plain` (> 1 is faster),
    `peak_to_plain` (< 1 holds less).

    `names` are presets, with weights as they are initialised, or references. tiny: presets at toy width. Raises
    WeightsError on neither.
    """
    looks: dict[str, dict[str, Look]] = {}
    for name in names:
        model = open_model(name, tiny)
        plain = plain_of(model)  # before the model is laid out; Factor-VAE's encoder is that of any VAE
        looks[name] = {"plain": Look(plain, model.size, batch, "float32")} if isinstance(plain, PlainMONet) else {}
        looks[name] |= {precision: Look(model, model.size, batch, precision) for precision in PRECISIONS}
    works: dict[str, Work] = {}
    for name, forms in looks.items():
        works |= {f"{name} {form} at once": look.at_once for form, look in forms.items()}
        works |= {f"{name} {form} one by one": look.one_by_one for form, look in forms.items() if form != "plain"}
    spent = take_turns(works, rounds)
    for name, forms in looks.items():
        peaks = {form: peak_bytes(look.at_once, look.images.device.type) for form, look in forms.items()}
        plain = (spent[f"{name} plain at once"], peaks["plain"]) if "plain" in forms else None
        for form, look in forms.items():
            took = spent[f"{name} {form} at once"]
            told = record(name, form, look, took) | measured(took, peaks[form], None if form == "plain" else plain)
            if form != "plain":
                told["ratio_to_one_by_one"] = rounded(spent[f"{name} {form} one by one"].wall / took.wall)
            yield told


class Look:
    """A model and images that lie on its device, laid out as the wrappers have them; the plain form stays as it is."""

    def __init__(self, model: SlotModule | PlainMONet, size: tuple[int, int, int], batch: int, precision: Precision):
        self.model, self.precision = model.eval(), precision
        self.images = torch.rand(batch, *size, device=own_device())
        if isinstance(model, SlotModule):
            model.to(memory_format=layout(model))  # type: ignore[call-overload]
            self.images = self.images.contiguous(memory_format=layout(model))

    def at_once(self) -> None:
        self.encode([self.images])

    def one_by_one(self) -> None:
        self.encode(list(self.images.split(1)))

    def encode(self, batches: list[torch.Tensor]) -> None:
        """Without gradients, in the precision."""
        with torch.no_grad(), torch.autocast(self.images.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            for images in batches:
                self.model.encode(images)


def open_model(name: str, tiny: bool) -> SlotModule:
    """A preset as it is initialised, or what a reference names, on a GPU if there is one and none is forbidden."""
    if name not in MODELS:
        return weights.load(name).to(own_device())
    return (MODELS[name].tiny() if tiny else MODELS[name]).build().to(own_device())


def record(name: str, form: str, look: Look, spent: Spent) -> dict[str, Any]:
    """What every line says."""
    batch = len(look.images)
    return {
        "model": f"{name}, plain" if form == "plain" else name,
        "precision": look.precision,
        "batch": batch,
        "device": look.images.device.type,
        "threads": torch.get_num_threads(),
        "parameters": parameters(look.model),
        "seconds_per_batch": rounded(spent.wall),
        "cpu_seconds_per_batch": rounded(spent.cpu),
        "images_per_second": rounded(batch / spent.wall),
    }
