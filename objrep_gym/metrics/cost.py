"""What a model costs: parameters, floating point operations, seconds and bytes (Berriel 2022, §5.5)."""

import ctypes
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(module: nn.Module) -> int:
    """Numbers that training could change, shared ones counted once."""
    return sum(p.numel() for p in module.parameters())


def flops(work: Callable[[], object]) -> int:
    """Floating point operations of the matrix products and convolutions in one call of `work`; a multiplication and its
    addition are two, which is how the thesis counts."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        work()
    return counter.get_total_flops()


def seconds(work: Callable[[], object], repeats: int = 10) -> float:
    """Median wall-clock seconds of one call of `work`, after one call that warms up; waits for a GPU to finish.
    Raises ValueError on fewer than one repeat."""
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, got {repeats}")
    taken = []
    for _ in range(repeats + 1):
        wait()
        start = time.perf_counter()
        work()
        wait()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def peak_bytes(work: Callable[[], object], device: str = "") -> int:
    """The most memory that one call of `work` held beyond what was held before: torch's own count on a GPU, resident memory
    of the process on a CPU. `device` is "cuda" or "cpu"; left out, the GPU where there is one. On a CPU call `work` once
    before, or what is loaded and cached on first use counts too."""
    if (device or ("cuda" if torch.cuda.is_available() else "cpu")) == "cuda":
        wait()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        wait()
        return torch.cuda.max_memory_allocated() - before
    trim()
    before = resident(reset=True)
    work()
    return max(resident() - before, 0)


def trim() -> None:
    """Give back what the C library (glibc) keeps of freed memory: what is taken of that again would not be seen."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "malloc_trim"):
        library.malloc_trim(0)


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def resident(reset: bool = False) -> int:
    """The process's largest resident memory so far, in bytes; `reset` starts counting anew, which only Linux can."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5")  # 5: the high-water mark becomes what is resident now
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
