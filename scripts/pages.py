"""Measure, and write the tables of a page: `make performance`, on a machine that does nothing else, and `make results`.

Each table stands between two comments that name what makes it; the text around it is written by hand and stays.
`scripts/pages.py docs/performance.md "bench train"` writes one of them.

    <!-- machine -->                       what this was measured on
    <!-- bench render -->                  a verb of `objrep-gym bench`
    <!-- reproduce control/reach -->       an experiment, made or continued in runs/
    <!-- card monet-lite@objects-room -->  the held-out scores of weights that ship
"""

import json
import os
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from io import BytesIO
from pathlib import Path

from PIL import Image

from objrep_gym.data import whole
from objrep_gym.experiments import known
from objrep_gym.experiments.card import HEADINGS
from objrep_gym.experiments.provenance import machine
from objrep_gym.experiments.reproduce import TABLE
from objrep_gym.weights import CARD, PRETRAINED

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
RECORDS = PICTURES.parent / "records"
MOST = 600_000  # bytes of a picture that is kept as it is
PLACE = re.compile(r"(<!-- (?P<what>\w+) ?(?P<words>[^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)


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


def reproduced(words: str) -> str:
    """The tables of an experiment, which goes on where it was left in runs/, and its pictures, kept in the pages. What its
    agents came to is kept too: they take hours, and runs/ stays on the machine that made it."""
    name = words.split()[0]
    run, records, shown = Path("runs") / name, RECORDS / f"{name}.json", []
    if records.exists():
        known.keep(run, json.loads(records.read_text(encoding="utf-8")))
    subprocess.run([sys.executable, "-m", "objrep_gym", "reproduce", *words.split()], check=True, stdout=sys.stderr)
    if (run / known.KNOWN).exists():
        records.parent.mkdir(parents=True, exist_ok=True)
        whole.write(records, (run / known.KNOWN).read_bytes())
    for picture in sorted(run.glob("*.png")):
        kept = keep(picture, f"{name.replace('/', '-')}-{picture.name}")
        shown.append(f"![{picture.stem.replace('-', ' ').capitalize()}](pictures/{kept.name})")
    return "\n\n".join([(run / TABLE).read_text(encoding="utf-8").rstrip(), *shown])


def keep(picture: Path, name: str) -> Path:
    """A picture among those of the pages: as it is, or as WebP where it is larger than a page should load."""
    if picture.stat().st_size <= MOST:
        return whole.write(PICTURES / name, picture.read_bytes())
    lossy = BytesIO()
    Image.open(picture).save(lossy, "WebP", quality=85, method=6)
    return whole.write((PICTURES / name).with_suffix(".webp"), lossy.getvalue())


def scores(name: str) -> str:
    """What a card says of held-out scenes, or of a grid's. Raises ValueError on one that says nothing of either."""
    text = (PRETRAINED / name / CARD).read_text(encoding="utf-8")
    for heading in HEADINGS:
        if told := text.partition(f"{heading}\n")[2].partition("\n## ")[0].strip():
            return told
    raise ValueError(f"the card of {name} has no measurements below {' or '.join(HEADINGS)}")


MAKERS = {"machine": lambda words: measured_on(), "bench": measure, "reproduce": reproduced, "card": scores}


def main(page: Path, asked: list[str]) -> None:
    """Fills the places of a page, or those alone whose comment begins with what is asked for: `"bench train"`."""
    shown = Path(os.path.relpath(PICTURES, page.parent)).as_posix()

    def fill(found: re.Match[str]) -> str:
        if asked and not any(f"{found['what']} {found['words']}".startswith(begins) for begins in asked):
            return found[0]
        print(f"{found['what']} {found['words']} …", file=sys.stderr)
        made = MAKERS[found["what"]](found["words"]).replace("](pictures/", f"]({shown}/")
        return found[1] + made + "\n" + found[4]

    page.write_text(PLACE.sub(fill, page.read_text(encoding="utf-8")), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
