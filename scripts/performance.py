"""Measure, and write the tables of docs/performance.md: `make performance`, on a machine that does nothing else.

Each table stands between two comments that name the measurement; the text around it is written by hand and stays.
"""

import json
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from objrep_gym.experiments.provenance import machine

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
PLACE = re.compile(r"(<!-- (?P<what>[\w -]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def measure(arguments: str) -> str:
    """The records of `objrep-gym bench ARGUMENTS --json` as a table in Markdown."""
    command = [sys.executable, "-m", "objrep_gym", "bench", *arguments.split(), "--json"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    columns = list(dict.fromkeys(name for record in records for name in record))
    rows = [[show(record.get(name)) for name in columns] for record in records]
    right = [all(isinstance(record.get(name), int | float | None) for record in records) for name in columns]
    head = [name.replace("_", " ") for name in columns]
    rule = ["---:" if numbers else "---" for numbers in right]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def show(value: object) -> str:
    """A cell: numbers with three or four significant digits and separators, nothing where nothing was measured."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def measured_on() -> str:
    """What the figures were measured on."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "mujoco", "numpy"))
    return f"Measured on {machine()}, Python {platform.python_version()}, {versions}."


def main() -> None:
    def fill(found: re.Match[str]) -> str:
        what = found["what"]
        print(f"{what} …", file=sys.stderr)
        return found[1] + (measured_on() if what == "machine" else measure(what)) + found[3]

    PAGE.write_text(PLACE.sub(fill, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
