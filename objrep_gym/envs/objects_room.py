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
from objrep_gym.envs.goals import Goal, Hindsight
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
        factors = self.sample(generators)
        over = np.flatnonzero(self.task.judge(factors).terminated)
        for _ in range(TRIES):
            if not len(over):
                return factors
            factors[over] = self.sample([generators[i] for i in over.tolist()])
            over = over[self.task.judge(factors[over]).terminated]
        raise RuntimeError(
            f"{TRIES} scenes in a row were over before they began: {type(self.task).__name__} does not fit them"
        )

    def sample(self, generators: Sequence[np.random.Generator]) -> np.ndarray:
        """float32 (N, E, F): scenes of the world, scene i from generator i alone, the place of a goal among them."""
        factors = self.world.sample(Streams(generators, block=64), len(generators))
        if self.goal is not None:
            self.goal.hide(factors)
        return factors

    def play(self, factors: np.ndarray, actions: np.ndarray) -> tuple[np.ndarray, Verdict]:
        """The scenes (N, E, F) after `actions` (N, …), a new array, and what they are worth."""
        after = factors.copy()
        self.control.apply(actions, after)
        return after, settle(self.task, factors, after)

    def look(self, going: np.ndarray, begun: np.ndarray) -> tuple[Seen, Seen]:
        """What is seen of scenes (n, E, F) that go on and of those (m, E, F) that begin, these with the pictures of their
        goals if they have any; all drawn in one call."""
        goals = begun[:0] if self.goal is None else self.goal.scenes(begun)
        ends = np.cumsum([len(going), len(begun)])
        looks = self.sight.look(self.world, np.concatenate([going, begun, goals]))
        first, second = ({name: rows[part] for name, rows in looks.items()} for part in (slice(ends[0]), slice(*ends)))
        return first, second if self.goal is None else {**second, "goal": looks["image"][ends[1] :]}

    def blank(self, count: int) -> Seen:
        """Arrays of `count` rows that what is seen is written into."""
        blank = self.sight.blank(self.world, count)
        return blank if self.goal is None else {**blank, "goal": np.zeros_like(blank["image"])}

    def observe(self, seen: Seen, factors: np.ndarray, rows: int | slice = slice(None)) -> Any:
        """Observations, copies, of `rows` of what is seen of the scenes (N, E, F)."""
        image = seen["image"][rows].copy()
        if self.goal is None:
            return image
        achieved, desired = self.goal.places(factors)
        places = {"achieved_goal": achieved[rows].copy(), "desired_goal": desired[rows].copy()}
        return {**places, "goal": seen["goal"][rows].copy(), "observation": image}

    @property
    def goal(self) -> Goal | None:
        """The task, if it is one that has a goal which can be shown."""
        return self.task if isinstance(self.task, Goal) else None

    @property
    def observation_space(self) -> spaces.Space[Any]:
        """uint8 (H, W, 3); with a goal, a Dict of two such pictures, "observation" and "goal", and of the places in metres,
        "achieved_goal" and "desired_goal"."""
        picture = spaces.Box(0, 255, (*self.world.size, 3), np.uint8)
        if self.goal is None:
            return picture
        places = {"achieved_goal": self.goal.space, "desired_goal": self.goal.space}
        return spaces.Dict({**places, "goal": picture, "observation": picture})


class ObjectsRoom(gym.Env[Any, Any]):
    """One scene at a time, seen as uint8 (H, W, 3), or as a Dict where the game has a goal; `info` holds `is_success` and
    what the game's sight names.

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

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """A new scene. No options are known."""
        super().reset(seed=seed)
        if seed is not None:
            self.deck.clear([0])
        self.scene = self.deck.take([self.np_random], [0])
        self.seen = self.game.look(self.scene[:0], self.scene)[1]
        return self._observe(False)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Raises ValueError on an action outside the space, ResetNeeded before the first reset."""
        before = self._scene()
        self.scene, verdict = self.game.play(before, np.asarray(action)[None])
        if changed(before, self.scene).any():
            self.seen = {**self.seen, **self.game.look(self.scene, self.scene[:0])[0]}
        seen, info = self._observe(bool(verdict.success[0]))
        return seen, float(verdict.reward[0]), bool(verdict.terminated[0]), False, info

    def render(self) -> np.ndarray | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """uint8 (H, W, 3), what is seen now; under `human` it goes to the window, as after every step."""
        if self.render_mode is None:
            gym.logger.warn('render() without a render mode: gym.make(..., render_mode="rgb_array")')
            return None
        frame = picture(self.game, self._scene(), self.seen["image"])[0]
        if self.render_mode == "human":
            self.window.show([frame, *self.seen.get("goal", ())])
            return None
        return frame.copy()

    def close(self) -> None:
        self.window.close()
        self.game.world.close()

    def _scene(self) -> np.ndarray:
        if self.scene is None:
            raise ResetNeeded("there is no scene yet: call reset() first")
        return self.scene

    def _observe(self, success: bool) -> tuple[Any, dict[str, Any]]:
        if self.render_mode == "human":
            self.render()
        info = {name: self.seen[name][0].copy() for name in self.game.sight.info}
        return self.game.observe(self.seen, self._scene(), 0), {"is_success": success, **info}


class GoalRoom(Hindsight, ObjectsRoom):
    """One scene at a time, of a game that has a goal."""


def changed(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """bool (N,): which scenes (N, E, F) float32 differ in any bit; NaN equals itself so."""
    return (before.view(np.int32) != after.view(np.int32)).any(axis=(1, 2))


def picture(game: Game, factors: np.ndarray, image: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3): `image`, or the scenes drawn now where sight spared it."""
    return image if game.sight.draws else game.world.render(factors).image
