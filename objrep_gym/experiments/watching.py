"""How a run is watched: a bar with rate, losses and time left on a terminal, a line a minute anywhere else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from objrep_gym.training import Progress

LINE_SECONDS = 60.0


class Watch(Protocol):
    """Shows a record; `step` and `steps` count over all stages."""

    def show(self, step: int, steps: int, now: Progress) -> None: ...


@contextmanager
def watching(folder: Path, shown: bool) -> Iterator[Watch]:
    """A bar if standard output is a terminal, lines if it is not, nothing if not `shown`."""
    if not shown:
        yield Silent()
    elif not sys.stdout.isatty():
        yield Lines()
    else:
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bars

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
        with Bars(*columns) as bars:
            yield Bar(bars, bars.add_task(folder.name, total=None, told="first step"))


class Silent:
    def show(self, step: int, steps: int, now: Progress) -> None:
        """Nothing."""


class Bar:
    """A rich progress bar."""

    def __init__(self, bars, task):
        self.bars, self.task = bars, task

    def show(self, step: int, steps: int, now: Progress) -> None:
        self.bars.update(self.task, completed=step, total=steps, told=told(step, steps, now))


class Lines:
    """One line a minute, and the first and the last."""

    def __init__(self):
        self.last = float("-inf")

    def show(self, step: int, steps: int, now: Progress) -> None:
        if step == steps or time.monotonic() - self.last >= LINE_SECONDS:
            print(told(step, steps, now), flush=True)
            self.last = time.monotonic()


def told(step: int, steps: int, now: Progress) -> str:
    """`step 1,200/100,000  189 images/s  0:42:10 left  loss 812.3  reconstruction 790.1 …`."""
    left = now.eta * (steps - step) / max(1, now.steps - now.step) if now.steps > now.step else 0.0
    losses = "  ".join(f"{name} {value:.4g}" for name, value in now.losses.items())
    return f"step {step:,}/{steps:,}  {now.rate:.0f} images/s  {timedelta(seconds=round(left))} left  {losses}"
