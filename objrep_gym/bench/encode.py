"""How fast models see: a batch at once, as the vector wrapper encodes, and one image after another."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from objrep_gym import weights
from objrep_gym.bench.turns import rounded, take_turns
from objrep_gym.metrics.cost import parameters, peak_bytes
from objrep_gym.models import MODELS
from objrep_gym.models.base import SlotModule
from objrep_gym.training import Precision

PRECISIONS: tuple[Precision, ...] = ("float32", "bf16")


def bench_encode(names: Sequence[str], batch: int, rounds: int) -> Iterator[dict[str, Any]]:
    """One record a model and precision: `model, precision, batch, device, threads, parameters, seconds_per_batch,
    cpu_seconds_per_batch, images_per_second, peak_mb`, and `ratio_to_one_by_one` (> 1 is faster at once).

    `names` are presets, with weights as they are initialised, or references. Raises WeightsError on neither.
    """
    models = {name: open_model(name) for name in names}
    works: dict[str, Callable[[], object]] = {}
    for name, model in models.items():
        images = torch.rand(batch, *model.size, device=model.device)
        for precision in PRECISIONS:
            works[f"{name} {precision} at once"] = look(model, precision, [images])
            works[f"{name} {precision} one by one"] = look(model, precision, list(images.split(1)))
    spent = take_turns(works, rounds)
    for name, model in models.items():
        for precision in PRECISIONS:
            whole, alone = (spent[f"{name} {precision} {how}"] for how in ("at once", "one by one"))
            yield {
                "model": name,
                "precision": precision,
                "batch": batch,
                "device": model.device.type,
                "threads": torch.get_num_threads(),
                "parameters": parameters(model),
                "seconds_per_batch": rounded(whole.wall),
                "cpu_seconds_per_batch": rounded(whole.cpu),
                "images_per_second": rounded(batch / whole.wall),
                "peak_mb": rounded(peak_bytes(works[f"{name} {precision} at once"]) / 2**20),
                "ratio_to_one_by_one": rounded(alone.wall / whole.wall),
            }


def look(model: SlotModule, precision: Precision, batches: list[torch.Tensor]) -> Callable[[], object]:
    """Work that encodes batches one after another, without gradients."""

    def work() -> None:
        with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=precision == "bf16"):
            for images in batches:
                model.encode(images)

    return work


def open_model(name: str) -> SlotModule:
    """A preset as it is initialised, or what a reference names, on a GPU if there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return (MODELS[name].build().eval() if name in MODELS else weights.load(name)).to(device)
