"""What a run wrote down: JSON lines always, wandb if asked. The only file that may import wandb."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from objrep_gym.data import whole

NAME = "journal.jsonl"


class Journal:
    """One JSON object per line in `folder/journal.jsonl`, each written at once.

    A run that goes on from a step drops the lines after it, and a line that a kill tore: they will be written again.
    """

    def __init__(self, folder: Path | str, after: int | None = None):
        self.path = Path(folder) / NAME
        if self.path.exists():
            kept = [line for line in read(self.path) if after is None or line.get("step", 0) <= after]
            whole.write(self.path, "".join(map(encode, kept)))

    def write(self, **values: Any) -> None:
        """Append one line; numbers that are not finite become null, as JSON has none."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(encode(values))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return read(self.path)


def read(path: Path | str) -> Iterator[dict[str, Any]]:
    """The lines of a journal; a last line without its end, left by a kill, is skipped.

    Raises ValueError naming file and line if any other line is not a JSON object.
    """
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(keepends=True), 1):
        if not line.endswith("\n"):
            return
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number} is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number} is no JSON object: {line.strip()[:80]}")
        yield value


def encode(values: Mapping[str, Any]) -> str:
    """One line: JSON, NaN and infinities as null."""
    finite = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
    return json.dumps(finite, allow_nan=False) + "\n"
