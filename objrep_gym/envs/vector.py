"""ObjectsRoomVector: N scenes in one process, moved by one array expression and drawn by one call."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from objrep_gym.envs.deck import Deck
from objrep_gym.envs.goals import Hindsight
from objrep_gym.envs.objects_room import FPS, Game, changed, picture
from objrep_gym.envs.sight import Seen
from objrep_gym.envs.window import Window, check_render_mode, render_modes
from objrep_gym.scenes.world import About

NONE = np.empty(0, dtype=np.intp)


class ObjectsRoomVector(VectorEnv[Any, np.ndarray, np.ndarray]):
    """N games side by side. Seeded with s, row i equals a single environment seeded with s + i, step for step.

    `autoreset_mode` is SAME_STEP (the default: a row that ends begins anew in the same step, its last observation in
    `info["final_obs"]`, drawn in the same call), NEXT_STEP, or DISABLED, where `reset(options={"reset_mask": bool (N,)})`
    begins those rows anew; as an `AutoresetMode` or its value, such as "SameStep". A scene that an action left as it was is
    not drawn again. Raises ValueError on an unknown mode, fewer environments or steps than one.
    """

    def __init__(
        self,
        game: Game,
        num_envs: int = 1,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    ):
        check_render_mode(render_mode)
        if num_envs < 1:
            raise ValueError(f"num_envs={num_envs} must be at least 1")
        self.autoreset_mode, self.limit = mode(autoreset_mode), limit(max_episode_steps)
        self.metadata = {"render_modes": render_modes(), "render_fps": FPS, "autoreset_mode": self.autoreset_mode}
        self.game, self.num_envs, self.render_mode = game, num_envs, render_mode
        self.single_observation_space, self.single_action_space = game.observation_space, game.control.space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.window = Window("objrep_gym", FPS)
        self.deck = Deck(game.draw, num_envs)
        self.generators = Generators(num_envs)
        self.scenes: np.ndarray | None = None  # (N, E, F)
        self.seen: Seen = game.blank(num_envs)
        self.elapsed = np.zeros(num_envs, dtype=np.int64)
        self.ended = np.zeros(num_envs, dtype=bool)

    @property
    def about(self) -> About:
        return self.game.world.about

    @property
    def factors(self) -> np.ndarray:
        """float32 (N, E, F), a copy. Raises ResetNeeded before the first reset."""
        return self._scenes().copy()

    @property
    def np_random(self) -> tuple[np.random.Generator, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The rows' generators, as `SyncVectorEnv` gives them."""
        return tuple(self.generators())

    @property
    def np_random_seed(self) -> tuple[int, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The rows' seeds."""
        self.generators()
        return tuple(self.generators.seeds)

    def reset(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """New scenes in all rows, or in those of `options["reset_mask"]`, bool (N,); the other rows stay as they are.

        An integer `seed` gives row i the seed + i. Raises ValueError on a mask or a list of seeds of another length.
        """
        rows = rows_to_reset(options, self.num_envs)
        if self.scenes is None and not rows.all():
            raise ResetNeeded("the first reset begins all rows: call reset() without a reset_mask")
        which = np.flatnonzero(rows)
        self.deck.clear(self.generators.seed(seed, which.tolist()))
        drawn = self.deck.take(self.generators(), which.tolist())
        if self.scenes is None:
            self.scenes = np.zeros((self.num_envs, *drawn.shape[1:]), dtype=np.float32)
        self.scenes[which] = drawn
        self.elapsed[which], self.ended[which] = 0, False
        write(self.seen, which, self.game.look(drawn[:0], drawn)[1])
        return self._observe(np.zeros(self.num_envs, dtype=bool), rows)

    def step(self, actions: np.ndarray) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Raises ValueError on actions outside the space, ResetNeeded before the first reset, or, under DISABLED, where a
        row has ended and was not begun anew."""
        before = self._scenes()
        if self.autoreset_mode is AutoresetMode.DISABLED and self.ended.any():
            rows = np.flatnonzero(self.ended).tolist()
            raise ResetNeeded(f"rows {rows} have ended: reset(options={{'reset_mask': mask}}) begins them anew")
        after, (reward, success, terminated) = self.game.play(before, np.asarray(actions))
        self.elapsed += 1
        truncated = self.elapsed >= self.limit
        again = np.flatnonzero(self.ended) if self.autoreset_mode is AutoresetMode.NEXT_STEP else NONE
        if len(again):
            reward[again] = 0.0
            success, terminated, truncated = (flags & ~self.ended for flags in (success, terminated, truncated))
        self.ended = terminated | truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            again = np.flatnonzero(self.ended)
        final = self._advance(before, after, again, success)
        observations, infos = self._observe(success & ~self.ended if final else success)
        return observations, reward, terminated, truncated, {**final, **infos}

    def render(self) -> tuple[np.ndarray, ...] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """N pictures uint8 (H, W, 3), what is seen now; under `human` they go to the window, as after every step."""
        if self.render_mode is None:
            return None
        frames = tuple(picture(self.game, self._scenes(), self.seen["image"]).copy())
        if self.render_mode == "human":
            self.window.show((*frames, *self.seen.get("goal", ())))
            return None
        return frames

    def close_extras(self, **kwargs: Any) -> None:
        self.window.close()
        self.game.world.close()

    def _advance(self, before: np.ndarray, after: np.ndarray, again: np.ndarray, success: np.ndarray) -> dict[str, Any]:
        """Makes `after` the scenes, begins the rows `again` anew, draws what is new in one call, and under SAME_STEP gives
        the last observation and info of those rows."""
        same = self.autoreset_mode is AutoresetMode.SAME_STEP
        moved, self.scenes = changed(before, after), after
        moved[again] &= same  # under NEXT_STEP the step that such a row took is never seen
        fresh = self.deck.take(self.generators(), again.tolist()) if len(again) else after[:0]
        going, begun = self.game.look(after[moved], fresh)
        write(self.seen, np.flatnonzero(moved), going)
        final = self._final(again, success) if same and len(again) else {}
        after[again], self.elapsed[again] = fresh, 0
        write(self.seen, again, begun)
        return final

    def _final(self, again: np.ndarray, success: np.ndarray) -> dict[str, Any]:
        """`final_obs` and `final_info` of the rows `again`, laid out as gymnasium's own vector environments do."""
        observations = np.full(self.num_envs, None, dtype=object)
        for i in again.tolist():
            observations[i] = self.game.observe(self.seen, self._scenes(), i)
        info: dict[str, Any] = {"is_success": success & self.ended, "_is_success": self.ended.copy()}
        for name in self.game.sight.info:
            info[name] = np.zeros_like(self.seen[name])
            info[name][again] = self.seen[name][again]
            info[f"_{name}"] = self.ended.copy()
        ended = {"_final_obs": self.ended.copy(), "_final_info": self.ended.copy()}
        return {"final_obs": observations, "final_info": info, **ended}

    def _observe(self, success: np.ndarray, rows: np.ndarray | None = None) -> tuple[Any, dict[str, Any]]:
        """Copies of what is seen; `rows` says which have an info, all if None."""
        if self.render_mode == "human":
            self.render()
        infos: dict[str, Any] = {"is_success": success}
        for name in self.game.sight.info:
            infos[name] = self.seen[name].copy()
        rows = np.ones(self.num_envs, dtype=bool) if rows is None else rows
        return self.game.observe(self.seen, self._scenes()), {**infos, **{f"_{name}": rows.copy() for name in infos}}

    def _scenes(self) -> np.ndarray:
        if self.scenes is None:
            raise ResetNeeded("there are no scenes yet: call reset() first")
        return self.scenes


class GoalRoomVector(Hindsight, ObjectsRoomVector):
    """N games side by side that have goals."""


class Generators:
    """One random generator for each of `count` rows, made when first needed, as a single environment makes its own."""

    def __init__(self, count: int):
        self.made: list[np.random.Generator] = []
        self.seeds: list[int] = []
        self.count = count

    def __call__(self) -> list[np.random.Generator]:
        """The generators of all rows."""
        if not self.made:
            pairs = [seeding.np_random() for _ in range(self.count)]
            self.made, self.seeds = [generator for generator, _ in pairs], [seed for _, seed in pairs]
        return self.made

    def seed(self, seed: int | Sequence[int | None] | None, rows: Sequence[int]) -> list[int]:
        """Seeds those of `rows` that a seed is given for, and returns which they were. Raises ValueError on a list of seeds
        of another length than there are rows."""
        seeds = seed if isinstance(seed, Sequence) else [None if seed is None else seed + i for i in range(self.count)]
        if len(seeds) != self.count:
            raise ValueError(f"{len(seeds)} seeds for {self.count} environments: give one each, or one integer")
        self()
        given = [i for i in rows if seeds[i] is not None]
        for i in given:
            self.made[i], self.seeds[i] = seeding.np_random(seeds[i])
        return given


def rows_to_reset(options: dict[str, Any] | None, count: int) -> np.ndarray:
    """bool (N,): the rows that a reset begins anew. Raises ValueError on a mask that is none."""
    if options is None or "reset_mask" not in options:
        return np.ones(count, dtype=bool)
    mask = options["reset_mask"]
    good = isinstance(mask, np.ndarray) and mask.shape == (count,) and mask.dtype == np.bool_ and mask.any()
    if not good:
        raise ValueError(f"reset_mask {mask!r} is not a bool array ({count},) with a True in it")
    return mask


def write(seen: Seen, rows: np.ndarray, new: Seen) -> None:
    """Puts what was newly seen into its rows, in place."""
    if len(rows):
        for name, values in new.items():
            seen[name][rows] = values


def mode(wanted: AutoresetMode | str) -> AutoresetMode:
    """Raises ValueError on what is neither an `AutoresetMode` nor the value of one."""
    try:
        return AutoresetMode(wanted)
    except ValueError as error:
        allowed = ", ".join(repr(one.value) for one in AutoresetMode)
        raise ValueError(f"autoreset_mode {wanted!r} is none of {allowed}") from error


def limit(steps: int | None) -> int:
    """Steps after which an episode is cut off; None and -1, gymnasium's word for it, mean never."""
    if steps is None or steps == -1:
        return np.iinfo(np.int64).max
    if steps < 1:
        raise ValueError(f"max_episode_steps={steps} must be at least 1, or -1 for no limit")
    return steps
