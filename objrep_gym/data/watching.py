"""How long work is watched: a bar on a terminal, a line a minute anywhere else."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

LINE_SECONDS = 60.0
Show = Callable[[int, str], None]


@contextmanager
def watching(title: str, total: int, shown: bool = True) -> Iterator[Show]:
    """Yields `show(done, text)`: a bar and `text` if standard output is a terminal; lines if it is not, the first, one a
    minute and the last; nothing if not `shown`."""
    if not shown:
        yield lambda done, text: None
    elif sys.stdout.isatty():
        yield from bar(title, total)
    else:
        yield lines(title, total)


def bar(title: str, total: int) -> Iterator[Show]:
    """A rich progress bar, gone from the screen's last line only when the work ends."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(24),
        TaskProgressColumn(),
        TextColumn("{task.fields[told]}"),
    )
    with Bars(*columns) as bars:
        task = bars.add_task(title, total=total, told="starting")
        yield lambda done, text: bars.update(task, completed=done, told=text)


def lines(title: str, total: int) -> Show:
    """Prints `title 1,200/100,000  text`."""
    last, ended = float("-inf"), False

    def show(done: int, text: str) -> None:
        nonlocal last, ended
        if (done >= total and not ended) or time.monotonic() - last >= LINE_SECONDS:
            print(f"{title} {done:,}/{total:,}  {text}", flush=True)
            last, ended = time.monotonic(), done >= total

    return show


def left(seconds: float) -> str:
    """`0:42:10 left`."""
    return f"{timedelta(seconds=round(seconds))} left"
