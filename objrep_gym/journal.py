"""What a run wrote down: JSON lines always, wandb and TensorBoard if asked. The only file that may import wandb."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from objrep_gym.data import whole

NAME = "journal.jsonl"


class Journal:
    """One JSON object per line in `folder/journal.jsonl`, each handed to the system at once.

    `after`: a run that goes on from this step drops the lines beyond it, and a line that a kill tore: they will be written
    again. `wandb`: a project, where every line goes too (WANDB_MODE=offline keeps it on this machine, in `folder`).
    `tensorboard`: the numbers of every line that has a step go to event files in `folder/tensorboard` too. Raises
    ImportError, with the command that helps, where one of them is asked for and not installed.
    """

    def __init__(
        self,
        folder: Path | str,
        after: int | None = None,
        wandb: str | None = None,
        settings: Mapping[str, Any] | None = None,
        tensorboard: bool = False,
    ):
        self.path = Path(folder) / NAME
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            kept = [line for line in read(self.path) if after is None or (line.get("step") or 0) <= after]
            whole.write(self.path, "".join(map(encode, kept)))
        self.board = start_tensorboard(self.path.parent, after) if tensorboard else None
        self.online = start_wandb(self.path.parent, wandb, settings or {}) if wandb else None

    def write(self, **values: Any) -> None:
        """Append one line; numbers that are not finite become null, as JSON has none. `step`, where given, orders lines."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(encode(values))
        self.tell(**values)

    def tell(self, **values: Any) -> None:
        """The same to wandb and TensorBoard alone, of what is kept in a file of its own, such as an evaluation."""
        if self.online is not None:
            self.online.log(values, step=values.get("step"))
        if self.board is not None and "step" in values:
            for name, value in numbers(values):
                self.board.add_scalar(name, value, int(values["step"]))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return read(self.path)

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let wandb and TensorBoard finish. The lines are on disk already."""
        online, self.online = self.online, None
        board, self.board = self.board, None
        if board is not None:
            board.close()
        if online is not None:
            online.finish()


def read(path: Path | str) -> Iterator[dict[str, Any]]:
    """The lines of a journal; a last line without its end, left by a kill, is skipped.

    Raises ValueError naming file and line if any other line is not a JSON object.
    """
    for number, line in enumerate(Path(path).read_text(encoding="utf-8", errors="replace").split("\n")[:-1], 1):
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number} is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number} is no JSON object: {line.strip()[:80]}")
        yield value


def encode(values: Mapping[str, Any]) -> str:
    """One line: JSON, NaN and infinities as null, numpy's and torch's numbers as Python's."""
    return json.dumps({name: plain(value) for name, value in values.items()}, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """A number of any library as Python's own, None where it is not finite; everything else as it is."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """What of a line can be drawn over steps: its finite numbers but the step itself."""
    for name, value in values.items():
        value = plain(value)
        if name != "step" and isinstance(value, int | float):
            yield name, float(value)


class NotInstalled(ImportError):
    """An extra is asked for and not installed; the message says what installs it."""


def check_tensorboard() -> None:
    """Raises NotInstalled, with the command that helps, where TensorBoard is not there."""
    if not (find_spec("tensorboard") and find_spec("torch.utils.tensorboard")):
        raise NotInstalled(
            "tensorboard is not installed: pip install 'objrep-gym[tensorboard]', or leave it out: JSON lines are always "
            "written",
            name="tensorboard",
        )


def start_tensorboard(folder: Path, after: int | None) -> Any:
    """A writer of event files that hides what a killed process wrote beyond the step `after`."""
    check_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"), purge_step=None if after is None else after + 1)


def start_wandb(folder: Path, project: str, settings: Mapping[str, Any]) -> Any:
    """A wandb run that belongs to the folder: who continues the one continues the other."""
    wandb = import_wandb()
    name = folder.resolve()
    identity = hashlib.sha256(str(name).encode()).hexdigest()[:16]
    return wandb.init(project=project, name=name.name, id=identity, resume="allow", dir=str(folder), config=dict(settings))


def download(ref: str) -> Path:
    """The folder of a wandb artifact, `entity/project/name:v3`, fetched once into wandb's cache. Raises ValueError on a
    reference of another form, and what wandb raises where it has none."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+/[\w.-]+:[\w.-]+", ref):
        raise ValueError(f"{ref!r} is no artifact: write entity/project/name:v3")
    return Path(import_wandb().Api().artifact(ref).download())


def import_wandb() -> Any:
    """wandb, imported only where it is asked for."""
    try:
        import wandb
    except ImportError as error:
        raise ImportError(
            "wandb is not installed: `pip install wandb`, or leave it out: JSON lines are always written"
        ) from error
    return wandb
