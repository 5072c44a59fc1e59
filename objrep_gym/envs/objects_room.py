"""ObjectsRoom: the one environment class. Scene, control, task and sight are handed in, and ids differ by them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from objrep_gym.envs.controls import Control
from objrep_gym.envs.deck import Deck
from objrep_gym.envs.sight import Seen, Sight
from objrep_gym.envs.tasks import Task, Verdict, settle
from objrep_gym.envs.window import Window, check_render_mode, render_modes
from objrep_gym.scenes.world import About, Streams, World

FPS = 10
TRIES = 100  # redraws of a scene that is over before it begins


@dataclass(frozen=True)
class Game:
    """Everything that an environment is, whether it is played once or N times side by side: scene × control × task × sight.

    All methods take and give N scenes at once, so that one environment and N are the same arithmetic.
    """

    world: World
    control: Control
    task: Task
    sight: Sight = field(default_factory=Sight)

    def draw(self, generators: Sequence[np.random.Generator]) -> np.ndarray:
        """float32 (N, E, F): new scenes, scene i from generator i alone, none of which is over before it begins.

        Raises RuntimeError where 100 draws in a row are over at once: then the task does not fit the world.
        """
        factors = self.world.sample(Streams(generators, block=64), len(generators))
        over = np.flatnonzero(self.task.judge(factors).terminated)
        for _ in range(TRIES):
            if not len(over):
                return factors
            again = Streams([generators[i] for i in over.tolist()], block=64)
            factors[over] = self.world.sample(again, len(over))
            over = over[self.task.judge(factors[over]).terminated]
        raise RuntimeError(
            f"{TRIES} scenes in a row were over before they began: {type(self.task).__name__} does not fit them"
        )

    def play(self, factors: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, Verdict]:
        """The scenes (N, E, F) after `actions` (N, …), a new array, and what they are worth."""
        after = factors.copy()
        self.control.apply(actions, after)
        return after, settle(self.task, factors, after)

    def look(self, factors: np.ndarray) -> Seen:
        """What is seen of the scenes (N, E, F), drawn in one call."""
        return self.sight.look(self.world, factors)

    @property
    def observation_space(self) -> spaces.Box:
        """uint8 (H, W, 3)."""
        return spaces.Box(0, 255, (*self.world.size, 3), np.uint8)


class ObjectsRoom(gym.Env[np.ndarray, Any]):
    """One scene at a time, seen as uint8 (H, W, 3); `info` holds `is_success` and what the game's sight names.

    `factors`, float32 (E, F), are the whole state, and `about` says what their rows and columns are.
    Raises ValueError on an unknown render mode; `human` needs pygame and a display, and says so.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": FPS}  # noqa: RUF012  gymnasium's

    def __init__(self, game: Game, render_mode: str | None = None):
        check_render_mode(render_mode)
        self.game, self.render_mode = game, render_mode
        self.metadata = {**self.metadata, "render_modes": render_modes()}
        self.observation_space, self.action_space = game.observation_space, game.control.space
        self.window = Window("objrep_gym", FPS)
        self.deck = Deck(game.draw, 1)
        self.scene: np.ndarray | None = None  # (1, E, F)
        self.seen: Seen = {}

    @property
    def about(self) -> About:
        return self.game.world.about

    @property
    def factors(self) -> np.ndarray:
        """float32 (E, F), a copy. Raises ResetNeeded before the first reset."""
        return self._scene()[0].copy()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """A new scene. No options are known."""
        super().reset(seed=seed)
        if seed is not None:
            self.deck.clear([0])
        self.scene = self.deck.take([self.np_random], [0])
        self.seen = self.game.look(self.scene)
        return self._observe(False)

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Raises ValueError on an action outside the space, ResetNeeded before the first reset."""
        before = self._scene()
        self.scene, verdict = self.game.play(before, np.asarray(action)[None])
        if changed(before, self.scene).any():
            self.seen = self.game.look(self.scene)
        image, info = self._observe(bool(verdict.success[0]))
        return image, float(verdict.reward[0]), bool(verdict.terminated[0]), False, info

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """uint8 (H, W, 3), what is seen now; under `human` it goes to the window, as after every step."""
        if self.render_mode is None:
            gym.logger.warn('render() without a render mode: gym.make(..., render_mode="rgb_array")')
            return None
        frame = picture(self.game, self._scene(), self.seen["image"])[0]
        if self.render_mode == "human":
            self.window.show([frame])
            return None
        return frame.copy()

    def close(self) -> None:
        self.window.close()
        self.game.world.close()

    def _scene(self) -> np.ndarray:
        if self.scene is None:
            raise ResetNeeded("there is no scene yet: call reset() first")
        return self.scene

    def _observe(self, success: bool) -> tuple[np.ndarray, dict[str, Any]]:
        if self.render_mode == "human":
            self.render()
        info = {name: rows[0].copy() for name, rows in self.seen.items() if name != "image"}
        return self.seen["image"][0].copy(), {"is_success": success, **info}


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """bool (N,): which scenes (N, E, F) float32 differ in any bit; NaN equals itself so."""
    return (before.view(np.int32) != after.view(np.int32)).any(axis=(1, 2))


def picture(game: Game, factors: np.ndarray, image: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3): `image`, or the scenes drawn now where sight spared it."""
    return image if game.sight.draws else game.world.render(factors).image
