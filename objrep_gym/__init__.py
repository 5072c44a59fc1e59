"""Object-centric observations for gymnasium. Importing it registers the environments and loads nothing heavy."""

from gymnasium.envs.registration import register

__version__ = "0.1.0"


def _register(name: str, game: str, steps: int, threshold: float | None = None) -> None:
    """Registers `ObjRep/name`, single and vector, of the game that the string names, cut off after `steps`."""
    register(
        f"ObjRep/{name}",
        entry_point="objrep_gym.wrappers.entry:single",
        vector_entry_point="objrep_gym.wrappers.entry:vector",
        max_episode_steps=steps,
        reward_threshold=threshold,
        kwargs={"game": game},
    )


_register("Scenes-v0", "objrep_gym.envs.scenes:game", steps=1)
_register("Reach-v0", "objrep_gym.envs.reach:game", steps=100, threshold=0.95)
