"""What there is: models, datasets, environments and published weights, by name."""

import sys
from typing import Any

import gymnasium
import torch
from gymnasium.envs.registration import EnvSpec, load_env_creator

from objrep_gym import weights
from objrep_gym.data import DATASETS
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS

COLUMNS = {"kind": Column("kind", "text"), "about": Column("what it is", "text"), "parameters": Column("parameters")}


def inventory() -> list[dict[str, Any]]:
    """One record for each thing: `kind` (model, dataset, environment, weights), `name`, `about`, and of models and weights
    the number of `parameters`."""
    found: list[dict[str, Any]] = []
    for name, config in MODELS.items():
        with torch.device("meta"):
            found.append(record("model", name, config, parameters(config.build())))
    found += [record("dataset", name, dataset) for name, dataset in DATASETS.items()]
    for name, spec in gymnasium.registry.items():
        if name.startswith("ObjRep/"):
            found.append({"kind": "environment", "name": name, "about": first_line(page_of(spec)), "parameters": None})
    for name in weights.published():
        model = weights.load(name)
        about = f"{model.slots} slots of {model.latent_size}, images {model.size[1]}×{model.size[2]}"
        found.append({"kind": "weights", "name": name, "about": about, "parameters": parameters(model)})
    return found


def record(kind: str, name: str, thing: object, count: int | None = None) -> dict[str, Any]:
    """What a thing says of itself in its docstring's first line."""
    return {"kind": kind, "name": name, "about": first_line(type(thing).__doc__), "parameters": count}


def page_of(spec: EnvSpec) -> str | None:
    """The docstring of the file that an environment of ours is made in: its page."""
    return sys.modules[load_env_creator(spec.kwargs["game"]).__module__].__doc__


def first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `inventory`, for people."""
    return Table("objrep-gym", COLUMNS, {r["name"]: r for r in records}, first="name")
