"""One of the processes that train together, started by `accelerate launch` or torchrun: its device, who writes, what all
agree on. A process by itself is the first of one."""

import os

import torch


def own_device() -> torch.device:
    """The GPU of this process, where there is one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def leads() -> bool:
    """Whether this process writes: the only one, or the first of several."""
    return os.environ.get("RANK", "0") == "0"


def agreed(flag: bool) -> bool:
    """Whether any of the processes says so; all must ask at the same step, which they do where `fit` yields."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return flag
    vote = torch.tensor(float(flag), device=own_device())
    torch.distributed.all_reduce(vote, torch.distributed.ReduceOp.MAX)
    return bool(vote.item())
