"""Weights in fewer bits: bf16, fp16, or eight bits with one scale for each row.

Eight bits are symmetric, weight = scale · integer, as is usual for weights alone (Jacob et al. 2018, without a zero
point); what has one dimension, biases and statistics of norms, stays float32, since it is small and rounding it costs most.
Loading gives float32 again.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

Dtype = Literal["float32", "bf16", "fp16", "int8"]
SCALE = "@scale"  # what a tensor of eight bits has beside it, under its own name and this; no module's name holds an @
HALF = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
MOST = 127


def rounded(state: Mapping[str, Tensor], dtype: Dtype) -> dict[str, Tensor]:
    """A state dict as it is stored. Raises OverflowError on a weight beyond what `dtype` can hold."""
    kept: dict[str, Tensor] = {}
    for name, value in state.items():
        value = value.detach().cpu()
        if dtype == "int8" and value.is_floating_point() and value.ndim > 1:
            kept[name], kept[f"{name}{SCALE}"] = in_eight_bits(value)
        else:
            kept[name] = value.to(HALF.get(dtype, value.dtype)) if value.is_floating_point() else value
            if not bool(torch.isfinite(kept[name]).all()) and bool(torch.isfinite(value).all()):
                raise OverflowError(f"{name} holds {value.abs().max():.3g}, beyond {dtype}: store it as bf16 or float32")
        kept[name] = kept[name].contiguous().clone()
    return kept


def in_eight_bits(value: Tensor) -> tuple[Tensor, Tensor]:
    """Integers, and the scale of each row; a row of zeros has scale 0."""
    scale = value.float().flatten(1).abs().amax(1) / MOST
    rows = scale.view(-1, *[1] * (value.ndim - 1))
    whole = (value / rows.clamp_min(torch.finfo(torch.float32).tiny)).round().clamp(-MOST, MOST)
    return whole.to(torch.int8), scale


def restored(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict from what was stored."""
    found = {name: value for name, value in stored.items() if not name.endswith(SCALE)}
    for name, value in found.items():
        scale = stored.get(f"{name}{SCALE}")
        if scale is not None:
            found[name] = value.float() * scale.view(-1, *[1] * (value.ndim - 1))
    return found
