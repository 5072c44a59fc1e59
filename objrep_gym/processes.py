"""One of the processes that train together, started by `accelerate launch` or torchrun: its device, who writes, what all
agree on, how it is stopped. A process by itself is the first of one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

DEVICE = "OBJREP_GYM_DEVICE"  # which device training uses: cpu or cuda


def own_device() -> torch.device:
    """The GPU of this process, where there is one and `using` names no other, else the CPU."""
    if not torch.cuda.is_available() or os.environ.get(DEVICE) == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


@contextmanager
def using(device: str | None) -> Iterator[None]:
    """Within the block, and in processes started there, `own_device` is on `device`, "cpu" or "cuda"; None lets it choose.
    Raises ValueError on a GPU that is not there."""
    if device not in (None, "cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"device {device!r}: this machine has {'cpu, cuda' if torch.cuda.is_available() else 'cpu'}")
    before = os.environ.get(DEVICE)
    if device is not None:
        os.environ[DEVICE] = device
    try:
        yield
    finally:
        os.environ.pop(DEVICE, None)
        if before is not None:
            os.environ[DEVICE] = before


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


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """SIGTERM and Ctrl-C set the event instead of ending the process; a second Ctrl-C ends it as usual."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: object) -> None:
        if number == signal.SIGINT and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
