"""Taking turns: pieces of work measured side by side, so that a busy machine is as busy for one as for the other."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from objrep_gym.metrics.cost import wait

Work = Callable[[], object]


@dataclass(frozen=True)
class Spent:
    """Medians of one piece of work: `wall` seconds, and `cpu` seconds of the whole process, all threads together, or of
    what the clock counts that was given."""

    wall: float
    cpu: float


def take_turns(
    works: Mapping[str, Work], rounds: int, cpu_clock: Callable[[], float] = time.process_time
) -> dict[str, Spent]:
    """Every round runs every piece of work once, in order; the first round warms up and is not counted.

    Waits for a GPU to finish. Raises ValueError on fewer rounds than one.
    """
    if rounds < 1:
        raise ValueError(f"{rounds} rounds measure nothing: ask for 1 or more")
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            wait()
            cpu, wall = cpu_clock(), time.perf_counter()
            work()
            wait()
            if turn:
                spent[name].append((time.perf_counter() - wall, cpu_clock() - cpu))
    return {
        name: Spent(*(statistics.median(column) for column in zip(*pairs, strict=True))) for name, pairs in spent.items()
    }


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within the block torch computes with so many threads; 0 leaves them as they are."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def measured(spent: Spent, peak: int, plain: tuple[Spent, int] | None) -> dict[str, float]:
    """`peak_mb` and, where there is a plain form, how it compares: `ratio_to_plain` of wall time and `cpu_ratio_to_plain`
    (> 1 is faster), `peak_to_plain` (< 1 holds less)."""
    told = {"peak_mb": rounded(peak / 2**20)}
    if plain is not None:
        other, others_peak = plain
        told["ratio_to_plain"] = rounded(other.wall / spent.wall)
        told["cpu_ratio_to_plain"] = rounded(other.cpu / max(spent.cpu, 1e-9))
        told["peak_to_plain"] = rounded(peak / max(others_peak, 1))
    return told


def rounded(value: float) -> float:
    """Four significant digits: more would only say how busy the machine was."""
    return float(f"{value:.4g}")
