"""Object-centric observations for gymnasium. Importing it registers the environments and loads nothing heavy."""

from collections.abc import Mapping
from typing import Any

from gymnasium.envs.registration import register

__version__ = "0.1.0"


AXES: dict[str, dict[str, Any]] = {
    "MoreObjects": {"objects": 6},
    "SeenColours": {"things": "seen-colours"},
    "UnseenColours": {"things": "unseen-colours"},
    "SeenShapes": {"things": "seen-shapes"},
    "UnseenShapes": {"things": "unseen-shapes"},
    "SeenCombinations": {"things": "seen-combinations"},
    "UnseenCombinations": {"things": "unseen-combinations"},
    "OtherHand": {"hand": "black-cube"},
    "LowCamera": {"camera": "low"},
    "RingCamera": {"camera": "ring"},
    "Evening": {"light": "evening"},
    "Textures": {"look": "published"},
}
"""Endings of ids by which a task is varied, to see whether an agent generalises, and the keywords they stand for."""


def _register(name: str, game: str, steps: int = 100, threshold: float | None = None, **keywords: Any) -> None:
    """Registers `ObjRep/name`, single and vector, of the game that the string names, cut off after `steps`."""
    register(
        f"ObjRep/{name}",
        entry_point="objrep_gym.wrappers.entry:single",
        vector_entry_point="objrep_gym.wrappers.entry:vector",
        max_episode_steps=steps,
        reward_threshold=threshold,
        kwargs={"game": game, **keywords},
    )


def _register_task(name: str, game: str, axes: Mapping[str, Mapping[str, Any]], steps: int = 100) -> None:
    """Registers a task with sparse rewards and with dense ones, and varied by each of `axes`."""
    _register(f"{name}-v0", game, steps, threshold=0.95)
    _register(f"{name}Dense-v0", game, steps, reward="dense")
    for ending, keywords in axes.items():
        _register(f"{name}{ending}-v0", game, steps, threshold=0.95, **keywords)


_register("Scenes-v0", "objrep_gym.envs.scenes:game", steps=1)
_register_task("Reach", "objrep_gym.envs.reach:game", AXES)
_register_task("OddOneOut", "objrep_gym.envs.odd_one_out:game", AXES)
_register_task("PropertyOddOneOut", "objrep_gym.envs.property_odd_one_out:game", AXES)
_register_task("Match", "objrep_gym.envs.match:game", {})
_register_task("Collect", "objrep_gym.envs.collect:game", {})
_register_task("Push", "objrep_gym.envs.push:game", {**AXES, "Anywhere": {"goal": "anywhere"}})
_register_task("PushOrdered", "objrep_gym.envs.push_ordered:game", {}, steps=200)
_register_task("GoalImage", "objrep_gym.envs.goal_image:game", {"Hand": {"moves": "hand"}})
_register_task("Navigate", "objrep_gym.envs.navigate:game", {})
_register_task("Analogy", "objrep_gym.envs.analogy:game", {})
