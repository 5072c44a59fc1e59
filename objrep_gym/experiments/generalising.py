"""How well an agent does where something is changed that it never saw: more objects, other colours, another camera."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from objrep_gym import AXES as ENDINGS
from objrep_gym.agents.learn import resume
from objrep_gym.data import whole
from objrep_gym.experiments.agent import AGENT, AgentRun, described, examine

FOUND = "axes.json"


def on_axes(run: AgentRun, folder: Path, axes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A record for each ending of `objrep_gym.AXES`: the agent in `folder` in that environment, as it is. Examined once,
    and found in axes.json later. An agent whose true factors are flat cannot meet more of
    them, and has no such record."""
    path = folder / FOUND
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    wanted = [axis for axis in axes if axis not in found and not (axis == "MoreObjects" and fixed(run))]
    for axis in wanted:
        found[axis] = elsewhere(replace(run, env=changed(run.env, axis)), folder)
        whole.write(path, json.dumps(found, indent=2) + "\n")
    return {axis: found[axis] for axis in axes if axis in found}


def changed(env: str, axis: str) -> str:
    """The id of the same task with another ending: `ObjRep/ReachEvening-v0`. Of dense rewards it is the one with sparse
    ones, whose episodes and success are the same."""
    name, _, version = env.rpartition("-")
    name = name.removesuffix("Dense")
    endings = [ending for ending in ENDINGS if name.endswith(ending)]
    return f"{name.removesuffix(max(endings, key=len, default=''))}{axis}-{version}"


def fixed(run: AgentRun) -> bool:
    """Whether an agent sees a slot for each object, in one vector: then their number is that of its first layer."""
    return run.encoder == "oracle" and run.algorithm.extractor == "flat"


def elsewhere(run: AgentRun, folder: Path) -> dict[str, Any]:
    """A record of the agent in `folder` in the environment of `run`."""
    env = run.make(count=1)
    try:
        model = resume(run.algorithm, env, folder / AGENT, run.seed)
    finally:
        env.close()
    return described(run, examine(run, model, progress=False))
