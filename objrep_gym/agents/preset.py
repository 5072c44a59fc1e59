"""Preset: what all algorithms share. How they see (the extractor and the heads over it), which actions they can choose, and
how their numbers change while they learn."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.utils import FloatSchedule
from stable_baselines3.common.vec_env import VecEnv

from objrep_gym.agents.dict_extractor import DictExtractor
from objrep_gym.agents.extractors import EXTRACTORS
from objrep_gym.scenes.world import check_name


@dataclass(frozen=True)
class Preset:
    """Base of presets: subclasses write `build` and `chunk`, and have numbers of their own."""

    title: ClassVar[str] = ""
    """What the algorithm is called in a table."""
    actions: ClassVar[tuple[type[spaces.Space[Any]], ...]] = ()
    """Kinds of action spaces that it can choose from."""

    extractor: str = "deep-set"
    """What pools the slots: a name in `EXTRACTORS`."""
    lr: float = 1e-3
    """Adam's learning rate at the start."""
    lr_end: float = 0.2
    """Fraction of `lr` at the end; linear between."""
    gamma: float = 0.93
    """Discount per step."""
    width: int = 128
    """Units of every hidden layer of the extractor."""

    def build(self, env: VecEnv, seed: int) -> BaseAlgorithm:
        """The algorithm on `env`, on the CPU for slots and where torch finds a GPU for pixels. Raises ValueError on an
        unknown extractor, actions of a kind that it cannot choose, and numbers that do not fit each other."""
        raise NotImplementedError(f"{type(self).__name__} does not write build()")

    def chunk(self, environments: int) -> int:
        """Environment steps between two records of `learn`, summed over environments."""
        raise NotImplementedError(f"{type(self).__name__} does not write chunk()")

    def tune(self, model: BaseAlgorithm, done: float) -> None:
        """Sets the numbers of `model` that change while it learns to what they are when the fraction `done` of all steps
        is done. stable-baselines3's own schedules would count the steps of one call alone."""
        model.lr_schedule = FloatSchedule(self.lr_at(done))

    def lr_at(self, done: float) -> float:
        """The learning rate when the fraction `done` of all steps is done."""
        return along(self.lr, self.lr * self.lr_end, done)

    def with_extractor(self, extractor: str) -> "Preset":
        """The same numbers on another extractor."""
        return replace(self, extractor=extractor)

    @property
    def pixels(self) -> bool:
        return self.extractor == "cnn"

    @property
    def device(self) -> str:
        """Perceptrons this small lose more to launches than a GPU gives."""
        return "auto" if self.pixels else "cpu"

    def policy(self, env: VecEnv, heads: list[int], suffix: str = "Policy") -> tuple[str, dict[str, Any]]:
        """The name of stable-baselines3's policy for what `env` shows, and its keywords: the extractor, and `heads` as the
        hidden layers over it. Raises ValueError on an unknown extractor."""
        check_name("extractor", self.extractor, EXTRACTORS)
        extractor = {"features_dim": 512} if self.pixels else {"features_dim": self.width, "width": self.width}
        kind, chosen = ("Cnn" if self.pixels else "Mlp"), EXTRACTORS[self.extractor]
        if isinstance(env.observation_space, spaces.Dict):
            kind, chosen = "MultiInput", DictExtractor
            extractor = {"part": self.extractor, **({} if self.pixels else extractor)}
        keywords = {"features_extractor_class": chosen, "features_extractor_kwargs": extractor, "net_arch": heads}
        return kind + suffix, keywords

    def check_actions(self, space: spaces.Space[Any]) -> None:
        """Raises ValueError, naming the presets that fit, on an action space that the algorithm cannot choose from."""
        if isinstance(space, self.actions):
            return
        from objrep_gym.agents.algorithms import ALGORITHMS

        kinds = " or ".join(kind.__name__ for kind in self.actions)
        others = ", ".join(name for name, preset in ALGORITHMS.items() if isinstance(space, preset.actions))
        ours = ", or make one of ours with control='continuous'" if self.actions == (spaces.Box,) else ""
        raise ValueError(
            f"{self.title} chooses actions of a {kinds}, not of {space}: presets that fit are {others or 'none'}{ours}"
        )


def along(first: float, last: float, done: float) -> float:
    """From `first` to `last` in a line, where the fraction `done` of it is done; level before and after."""
    return first + (last - first) * min(max(done, 0.0), 1.0)
