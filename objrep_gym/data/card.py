"""The card of an exported dataset: a README.md that the Hugging Face hub reads, generated from what was exported."""

from collections.abc import Mapping
from typing import Any

from objrep_gym import __version__
from objrep_gym.data.shards import Layout

CARD = "README.md"
LICENCE = "apache-2.0"  # of what the package draws; of what others published the card says nothing
LARGE = (("n<1K", 10**3), ("1K<n<10K", 10**4), ("10K<n<100K", 10**5), ("100K<n<1M", 10**6), ("1M<n<10M", 10**7))


def card(layout: Layout, count: int, split: str, command: str, recipe: Mapping[str, Any] | None) -> str:
    """Markdown with the header that the hub reads. `recipe` is what the scenes were drawn by, None where they were not."""
    lines = [*header(count, split, drawn=recipe is not None), *body(layout, count, split), *made(command, recipe)]
    return "\n".join([*lines, ""])


def header(count: int, split: str, drawn: bool) -> list[str]:
    """The YAML at the top: which files are which split, and what the hub sorts sets by."""
    size = next((name for name, limit in LARGE if count < limit), "n>10M")
    licence = [f"license: {LICENCE}"] if drawn else []
    tags = ["task_categories:", "- image-segmentation", "tags:", "- object-centric", "- synthetic"]
    files = ["configs:", "- config_name: default", "  data_files:", f"  - split: {split}", f'    path: "{split}-*.parquet"']
    return ["---", *licence, *tags, "size_categories:", f"- {size}", *files, "---", ""]


def body(layout: Layout, count: int, split: str) -> list[str]:
    """What the columns hold."""
    about, (height, width) = layout.about, layout.size
    entities = ", ".join(f"{number} {name}" for number, name in enumerate(about.entities))
    rows = [f"| `image` | PNG, {height}×{width}, RGB |"]
    if "mask" in layout.outputs:
        rows.append(f"| `mask` | PNG, {height}×{width}: each pixel's entity by its id |")
    for name, values in zip(about.factors, about.sizes, strict=True):
        kind = f"one of {values} values" if values else "a real number"
        rows.append(f"| `{name}` | {len(about.entities)} float32, one for each entity: {kind} |")
    return [
        f"# {count:,} scenes, taken apart",
        "",
        f"Pictures of {height}×{width} pixels with exact masks and true factors, split `{split}`.",
        "",
        *["| column | holds |", "|---|---|", *rows, ""],
        f"Ids are the places in the lists of factors: {entities}. Ids below {about.background} are background. A factor is "
        "NaN where an entity does not exist, or has no such factor.",
        "",
    ]


def made(command: str, recipe: Mapping[str, Any] | None) -> list[str]:
    """How it was made, to make it again."""
    lines = ["## Made by", "", f"objrep_gym {__version__}", "", "```sh", command, "```", ""]
    if recipe is None:
        return lines
    facts = {**{f"world.{name}": value for name, value in recipe["world"].items()}, **recipe}
    rows = [f"| {name} | {value} |" for name, value in facts.items() if name not in ("world", "kind", "world.kind")]
    return [*lines, "The scenes were drawn with", "", "| | |", "|---|---|", *rows]
