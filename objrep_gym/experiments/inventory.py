"""What there is: models, datasets, environments and published weights, by name."""

import difflib
import inspect
from pathlib import Path
from typing import Any

import gymnasium
import torch

from objrep_gym import weights
from objrep_gym.data import DATASETS
from objrep_gym.envs.pages import headline, ids, page
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS

COLUMNS = {"kind": Column("kind", "text"), "about": Column("what it is", "text"), "parameters": Column("parameters")}


def inventory() -> list[dict[str, Any]]:
    """One record for each thing: `kind` (model, dataset, environment, weights), `name`, `about`, and of models and weights
    the number of `parameters`, but of those that are fetched at their first use."""
    found: list[dict[str, Any]] = []
    for name, config in MODELS.items():
        with torch.device("meta"):
            found.append(record("model", name, config, parameters(config.build())))
    found += [record("dataset", name, dataset) for name, dataset in DATASETS.items()]
    for name in ids():
        found.append({"kind": "environment", "name": name, "about": headline(gymnasium.spec(name)), "parameters": None})
    return found + [of_weights(name) for name in weights.published()]


def of_weights(name: str) -> dict[str, Any]:
    """The record of a published name; nothing is fetched for it."""
    told: dict[str, Any] = {"kind": "weights", "name": name, "parameters": None}
    if not weights.held(weights.PRETRAINED / name / weights.WEIGHTS):
        return told | {"about": f"fetched when it is first used, from {weights.listed()[name]['url']}"}
    model = weights.load(name)
    about = f"{model.slots} slots of {model.latent_size}, images {model.size[1]}×{model.size[2]}"
    return told | {"about": about, "parameters": parameters(model)}


def record(kind: str, name: str, thing: object, count: int | None = None) -> dict[str, Any]:
    """What a thing says of itself in its docstring's first line."""
    return {"kind": kind, "name": name, "about": first_line(type(thing).__doc__), "parameters": count}


def describe(name: str) -> str:
    """All that is written about a thing: the page of an environment, the docstrings of a model or a dataset, the card of
    weights. Raises KeyError on a name that is none of these, naming those like it."""
    if name in ids():
        return page(gymnasium.spec(name))
    presets = {**MODELS, **DATASETS}
    if name in presets:
        kind = type(presets[name])
        return "\n\n".join(filter(None, (inspect.getdoc(inspect.getmodule(kind)), inspect.getdoc(kind))))
    if name in weights.published():
        folder = weights.resolve(name)
        assert isinstance(folder, Path)
        return (folder / weights.CARD).read_text(encoding="utf-8").rstrip()
    known = [*ids(), *presets, *weights.published()]
    like = difflib.get_close_matches(name, known, 3) or [one for one in known if name.lower() in one.lower()][:3]
    raise KeyError(
        f"there is no {name!r}" + (f": did you mean {', '.join(like)}?" if like else ": `objrep-gym list` names all")
    )


def first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `inventory`, for people."""
    return Table("objrep-gym", COLUMNS, {r["name"]: r for r in records}, first="name")
