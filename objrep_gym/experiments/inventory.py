"""What there is, by name: models, datasets, environments, extractors, published weights and experiments."""

import ast
import difflib
import inspect
from pathlib import Path
from typing import Any

import gymnasium
import torch

from objrep_gym import weights
from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.data import DATASETS
from objrep_gym.envs.pages import headline, ids, page
from objrep_gym.experiments.reproduce import HERE, names
from objrep_gym.figures.tables import Column, Table
from objrep_gym.metrics.cost import parameters
from objrep_gym.models import MODELS, changes

COLUMNS = {"kind": Column("kind", "text"), "about": Column("what it is", "text"), "parameters": Column("parameters")}


def inventory() -> list[dict[str, Any]]:
    """One record for each thing: `kind` (model, dataset, environment, extractor, weights, experiment), `name`, `about`, and
    of models and weights the number of `parameters`, but of those that are fetched at their first use."""
    found: list[dict[str, Any]] = []
    for name, config in MODELS.items():
        with torch.device("meta"):
            found.append(record("model", name, of_preset(name), parameters(config.build())))
    found += [record("dataset", name, first_line(type(dataset).__doc__)) for name, dataset in DATASETS.items()]
    found += [record("environment", name, headline(gymnasium.spec(name))) for name in ids()]
    found += [record("extractor", name, first_line(extractor.__doc__)) for name, extractor in EXTRACTORS.items()]
    found += [of_weights(name) for name in weights.published()]
    return found + [record("experiment", name, " ".join(of_file(name).split())) for name in names()]


def of_preset(name: str) -> str:
    """What the first preset of a kind says of itself; of any other, how it differs from that one."""
    config = MODELS[name]
    first = next(other for other, known in MODELS.items() if type(known) is type(config))
    if first == name:
        return first_line(type(config).__doc__)
    return f"{first} with " + ", ".join(f"{field}={value!r}" for field, value in changes(config, MODELS[first]).items())


def of_weights(name: str) -> dict[str, Any]:
    """The record of a published name; nothing is fetched for it."""
    if not weights.held(weights.PRETRAINED / name / weights.WEIGHTS):
        return record("weights", name, f"fetched when it is first used, from {weights.listed()[name]['url']}")
    model = weights.load(name)
    slots = "1 slot" if model.slots == 1 else f"{model.slots} slots"
    about = f"{slots} of {model.latent_size}, images {model.size[1]}×{model.size[2]}"
    return record("weights", name, about, parameters(model))


def of_file(name: str) -> str:
    """What stands at the head of an experiment's file, which is read and not run."""
    return ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""


def record(kind: str, name: str, about: str, count: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "about": about, "parameters": count}


def describe(name: str) -> str:
    """All that is written about a thing: the page of an environment, the docstrings of a model, a dataset or an extractor,
    the card of weights, the head of an experiment. Raises KeyError on an unknown name, naming those like it."""
    if name in ids():
        return page(gymnasium.spec(name))
    kinds = {name: type(preset) for name, preset in {**MODELS, **DATASETS}.items()}
    if name in kinds:
        kind = kinds[name]
        return "\n\n".join(filter(None, (inspect.getdoc(inspect.getmodule(kind)), inspect.getdoc(kind))))
    if name in EXTRACTORS:
        return inspect.getdoc(EXTRACTORS[name]) or ""
    if name in names():
        return of_file(name)
    if name in weights.published():
        folder = weights.resolve(name)
        assert isinstance(folder, Path)
        return (folder / weights.CARD).read_text(encoding="utf-8").rstrip()
    known = [*ids(), *kinds, *EXTRACTORS, *weights.published(), *names()]
    like = difflib.get_close_matches(name, known, 3) or [one for one in known if name.lower() in one.lower()][:3]
    raise KeyError(
        f"there is no {name!r}" + (f": did you mean {', '.join(like)}?" if like else ": `objrep-gym list` names all")
    )


def first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


def as_table(records: list[dict[str, Any]]) -> Table:
    """The records of `inventory`, for people."""
    return Table("objrep-gym", COLUMNS, {r["name"]: r for r in records}, first="name")
